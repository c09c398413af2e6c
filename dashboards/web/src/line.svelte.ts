/**
 * The line to the desk: server-sent events read from a fetch (an EventSource cannot carry the token). It joins again by
 * itself, ever more slowly, and says honestly whether it stands.
 */

import { API, headers } from './desk';
import { session } from './session.svelte';

export type LineState = 'joining' | 'live' | 'gone';
type Heard = (data: unknown) => void;

const QUIET = 40_000; // the desk sends a comment every 15 s; two missed ones and a bit
const GRACE = 3_000; // a line that is back within this time was never gone for the reader
const LONGEST_WAIT = 30_000;

class Line {
  state = $state<LineState>('joining');

  #heard = new Map<string, Set<Heard>>();
  #joined: AbortController | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;
  #quiet: ReturnType<typeof setTimeout> | undefined;
  #attempts = 0;
  #place = '';
  #wanted = false;
  #stoodBefore = false;

  constructor() {
    addEventListener('online', () => this.tryNow());
    addEventListener('offline', () => this.#lost(true));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible' && this.state === 'gone') this.tryNow();
    });
  }

  /** Hear events of this name until the answer is called. */
  on(event: string, heard: Heard): () => void {
    const those = this.#heard.get(event) ?? new Set();
    this.#heard.set(event, those.add(heard));
    return () => those.delete(heard);
  }

  join(place: string): void {
    this.#wanted = true;
    this.#place = place;
    this.#attempts = 0;
    this.tryNow();
  }

  leave(): void {
    this.#wanted = false;
    this.#joined?.abort();
    clearTimeout(this.#retry);
    clearTimeout(this.#grace);
    clearTimeout(this.#quiet);
    this.state = 'joining';
  }

  tryNow(): void {
    if (!this.#wanted || !session.token) return;
    clearTimeout(this.#retry);
    this.#joined?.abort();
    void this.#read();
  }

  async #read(): Promise<void> {
    const joined = new AbortController();
    this.#joined = joined;
    this.#listenForQuiet(joined);
    try {
      const query = this.#place ? `?place=${encodeURIComponent(this.#place)}` : '';
      const answer = await fetch(`${API}/events${query}`, {
        headers: { ...headers(), Accept: 'text/event-stream' },
        signal: joined.signal,
        cache: 'no-store',
      });
      if (answer.status === 401) return session.end(true);
      if (!answer.ok || !answer.body) throw new Error(`status ${answer.status}`);
      await this.#follow(answer.body, joined);
    } catch {
      // whatever broke it, the answer is the same: say so and join again
    }
    if (this.#joined === joined && this.#wanted) this.#lost(false);
  }

  async #follow(body: ReadableStream<Uint8Array>, joined: AbortController): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.#stands();
      this.#listenForQuiet(joined);
      text += decoder.decode(value, { stream: true }).replaceAll('\r\n', '\n');
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        this.#tell(text.slice(0, end));
        text = text.slice(end + 2);
      }
    }
  }

  #tell(block: string): void {
    let event = 'message';
    const data: string[] = [];
    for (const line of block.split('\n')) {
      if (line.startsWith('event:')) event = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    }
    if (event === 'hello') this.#hello();
    if (data.length === 0 && event === 'message') return; // a comment: the desk is there
    let said: unknown = null;
    try {
      said = data.length ? JSON.parse(data.join('\n')) : null;
    } catch {
      return; // cut off in the middle: the next picture says it again
    }
    for (const heard of this.#heard.get(event) ?? []) heard(said);
  }

  /** `again` tells lists that something may have been missed; the first time nothing was. */
  #hello(): void {
    if (this.#stoodBefore) for (const heard of this.#heard.get('again') ?? []) heard(null);
    this.#stoodBefore = true;
  }

  #stands(): void {
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#attempts = 0;
    this.state = 'live';
  }

  #lost(surely: boolean): void {
    clearTimeout(this.#quiet);
    if (!this.#wanted) return;
    if (surely || !navigator.onLine) this.state = 'gone';
    else if (this.state !== 'gone' && this.#grace === undefined) {
      this.#grace = setTimeout(() => {
        this.#grace = undefined;
        this.state = 'gone';
      }, GRACE);
    }
    clearTimeout(this.#retry);
    const wait = Math.min(LONGEST_WAIT, 1_000 * 2 ** this.#attempts) * (0.75 + Math.random() / 2);
    this.#attempts += 1;
    this.#retry = setTimeout(() => this.tryNow(), wait);
  }

  #listenForQuiet(joined: AbortController): void {
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => joined.abort(), QUIET);
  }
}

export const line = new Line();
