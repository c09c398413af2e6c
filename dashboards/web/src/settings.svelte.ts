/** The reader's settings: language, light or dark, digits, which place the wall shows. Kept in this browser. */

import { keep, read } from './kept';

export type Theme = 'auto' | 'light' | 'dark';
export type Digits = 'international' | 'devanagari';

interface Kept {
  language?: string;
  theme?: Theme;
  digits?: Digits;
  place?: string;
}

class Settings {
  language = $state('en');
  theme = $state<Theme>('auto');
  digits = $state<Digits>('international');
  place = $state('');

  constructor() {
    const kept = read<Kept>('settings') ?? {};
    this.language = kept.language ?? document.documentElement.lang ?? 'en';
    this.theme = kept.theme ?? 'auto';
    this.digits = kept.digits ?? 'international';
    this.place = kept.place ?? '';
  }

  change(changed: Kept): void {
    Object.assign(this, changed);
    const { language, theme, digits, place } = this;
    keep('settings', { language, theme, digits, place });
    if (theme === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  }
}

export const settings = new Settings();
