/** The window begins: the reader's words are on the way already, the page is put up when they are there. */

import './look/tokens.css';
import './look/look.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { say } from './say.svelte';
import { settings } from './settings.svelte';

const RELOADED = 'coldchain.reloaded';

// A page that was open while a newer version was put up asks for files that are gone: load the new one, once.
addEventListener('vite:preloadError', () => {
  if (!navigator.onLine || sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, '1');
  location.reload();
});

void say.speak(settings.language).then(() => {
  const target = document.getElementById('app');
  if (!target) throw new Error('the page has no place for the window');
  target.replaceChildren();
  mount(App, { target });
  sessionStorage.removeItem(RELOADED);
});

// The shell is kept on this phone once the first page stands, so that it takes nothing from it.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  setTimeout(() => void navigator.serviceWorker.register('/sw.js').catch(() => undefined), 3_000);
}
