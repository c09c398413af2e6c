/**
 * What is being typed. It outlives a reload, a lost line and a sign-out, and is kept for the person who typed it alone.
 * Passwords are never drafts.
 */

import { forget, keep, read } from './kept';
import { session } from './session.svelte';

export interface Draft<T> {
  values: T;
  /** It was sent: start from blank. */
  done(): void;
}

/** Called while a component is made; `blank` says what the form holds at first. */
export function draft<T extends Record<string, string | boolean>>(form: string, blank: T): Draft<T> {
  const owner = session.me?.user.username ?? read<string>('lastUser') ?? '';
  const name = `draft.${owner}.${form}`;
  const values = $state<T>({ ...blank, ...read<Partial<T>>(name) });
  $effect(() => {
    const now = $state.snapshot(values) as T;
    if (Object.keys(blank).every((key) => now[key] === blank[key])) forget(name);
    else keep(name, now);
  });
  return {
    values,
    done() {
      Object.assign(values, blank);
      forget(name);
    },
  };
}
