/** Something asked of the desk and its state: on the way, here, or why not. And lists that go on. */

import { untrack } from 'svelte';
import { ask } from './desk';
import type { Page } from './shapes';

/** One thing. What was here stays while it is asked for again. */
export class Asked<T> {
  value = $state.raw<T | null>(null);
  why = $state.raw<unknown>(null);
  #latest = 0;

  constructor(private readonly path: () => string) {}

  async load(): Promise<void> {
    const mine = (this.#latest += 1);
    try {
      const value = await ask<T>(untrack(this.path)); // whoever asks again says when; the path alone does not
      if (mine !== this.#latest) return;
      this.value = value;
      this.why = null;
    } catch (why) {
      if (mine === this.#latest) this.why = why;
    }
  }
}

/** A list, page by page. */
export class Listing<T> {
  items = $state.raw<T[] | null>(null);
  why = $state.raw<unknown>(null);
  next = $state<string | null>(null);
  busy = $state(false);
  #latest = 0;

  constructor(private readonly path: () => string) {}

  async load(): Promise<void> {
    await this.#take(untrack(this.path), []);
  }

  async more(): Promise<void> {
    if (this.next && !this.busy) await this.#take(this.next, this.items ?? []);
  }

  /** All of it: for lists that people pick from. */
  async all(): Promise<void> {
    await this.load();
    while (this.next && this.why === null) await this.more();
  }

  async #take(path: string, before: T[]): Promise<void> {
    const mine = (this.#latest += 1);
    this.busy = true;
    try {
      const page = await ask<Page<T>>(path);
      if (mine !== this.#latest) return;
      this.items = [...before, ...page.items];
      this.next = page.next;
      this.why = null;
    } catch (why) {
      if (mine === this.#latest) this.why = why;
    } finally {
      if (mine === this.#latest) this.busy = false;
    }
  }
}
