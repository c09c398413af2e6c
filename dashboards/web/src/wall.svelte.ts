/** The wall: the last picture of every row, kept in this browser, and kept fresh by the line. */

import { clock, ms } from './clock.svelte';
import { NoLine, Problem, ask, understood } from './desk';
import { keep, read } from './kept';
import { line } from './line.svelte';
import { say } from './say.svelte';
import { session } from './session.svelte';
import { settings } from './settings.svelte';
import type { Me, Row, Strip, WallPicture } from './shapes';
import { ordered, sentenceOf, stateWord } from './states';

declare global {
  interface Window {
    /** Asked for by the page before any code had come. */
    coldchainWall?: Promise<Response> | undefined;
  }
}

const KEEP_EVERY = 20_000;
const REDRAW_EVERY = 10 * 60_000; // the strips of rows that say nothing move on, too

interface Kept {
  picture: WallPicture;
  at: number;
  place: string;
  user: string;
}

class Wall {
  picture = $state.raw<WallPicture | null>(null);
  /** When the picture was true, ms UTC of the server. */
  at = $state(Number.NaN);
  problem = $state.raw<Problem | NoLine | null>(null);
  /** Whether what is shown is known to be true now. */
  fresh = $state(false);
  /** The last change of a state, as a sentence for those who hear the page. */
  announcement = $state('');
  /** Rows whose state changed a moment ago. */
  changed = $state.raw<ReadonlySet<string>>(new Set());

  #loading: Promise<void> | null = null;
  #early: Row[] = [];
  #keptAt = 0;
  #asking: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    line.on('hello', (data) => this.#hello(data as { at: string }));
    line.on('row', (data) => this.#row(data as Row));
    line.on('gone', (data) => this.#gone(data as { id: string }));
    line.on('resync', () => void this.load());
    line.on('incident', () => this.#soon());
    setInterval(() => line.state === 'live' && void this.load(), REDRAW_EVERY);
    addEventListener('pagehide', () => this.#keep());
    document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && this.#keep());
  }

  get rows(): Row[] {
    return this.picture ? [...this.picture.items, ...this.picture.not_placed] : [];
  }

  row(id: string): Row | undefined {
    return this.rows.find((row) => row.id === id);
  }

  /** From what was kept at once, then from the desk. */
  begin(): void {
    const kept = read<Kept>('wall');
    if (kept && kept.place === settings.place && kept.user === session.me?.user.username) {
      this.#show(kept.picture, kept.at);
    }
    line.join(settings.place);
    void this.load();
    void this.#who();
  }

  end(): void {
    line.leave();
    this.picture = null;
    this.fresh = false;
    this.problem = null;
  }

  choose(place: string): void {
    settings.change({ place });
    this.end();
    this.begin();
  }

  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(): Promise<void> {
    const path = settings.place ? `/wall?place=${encodeURIComponent(settings.place)}` : '/wall';
    try {
      const asked = window.coldchainWall;
      window.coldchainWall = undefined;
      const picture = asked ? await asked.then((answer) => understood<WallPicture>(answer, path)) : await ask<WallPicture>(path);
      const at = ms(picture.at);
      clock.told(at);
      this.#show(picture, at);
      this.fresh = true;
      this.problem = null;
      for (const row of this.#early.splice(0)) if (ms(row.measured_at) >= at - 60_000) this.#row(row);
      this.#keep();
    } catch (why) {
      this.fresh = false;
      this.problem = why instanceof Problem ? why : new NoLine(String(why));
      if (this.problem instanceof Problem && settings.place && this.problem.status !== 401) this.choose('');
    }
  }

  async #who(): Promise<void> {
    try {
      session.know(await ask<Me>('/me'));
    } catch {
      // what was known of the person still holds; a sign-in that has ended says so itself
    }
  }

  #show(picture: WallPicture, at: number): void {
    say.zone = picture.place.zone || 'Asia/Kolkata';
    this.picture = picture;
    this.at = at;
  }

  /** The line stands (again). What happened before it stood is fetched, so that nothing is missed. */
  #hello(data: { at: string }): void {
    const at = ms(data?.at);
    clock.told(at);
    if (this.picture === null || this.#loading) return;
    if (!this.fresh || at > this.at) void this.load();
  }

  #row(live: Row): void {
    const picture = this.picture;
    if (!picture || !this.fresh) {
      this.#early.push(live);
      return;
    }
    clock.look();
    const before = this.row(live.id);
    if (before && ms(before.measured_at) > ms(live.measured_at) && before.state === live.state) return; // an older word
    const row: Row = { ...live, strip: withPoint(before?.strip ?? live.strip ?? null, live.point ?? null) };
    const without = (rows: Row[]): Row[] => rows.filter((one) => one.id !== row.id);
    const placed = row.kind === 'point';
    const stays = before !== undefined && before.kind === row.kind && sameRank(before, row);
    const put = (rows: Row[]): Row[] => (stays ? rows.map((one) => (one.id === row.id ? row : one)) : ordered([...without(rows), row]));
    this.picture = {
      ...picture,
      items: placed ? put(picture.items) : without(picture.items),
      not_placed: placed ? without(picture.not_placed) : put(picture.not_placed),
    };
    this.at = Math.max(this.at, clock.now);
    if (before && before.state !== row.state) this.#announce(row);
    if (!before) this.#soon(); // a new one: its last 24 hours are not in what was told
    if (Date.now() - this.#keptAt > KEEP_EVERY) this.#keep();
  }

  /** An incident changed: what its rows say of it is asked for, once for many. */
  #soon(): void {
    clearTimeout(this.#asking);
    this.#asking = setTimeout(() => void this.load(), 700);
  }

  #gone(data: { id: string }): void {
    const picture = this.picture;
    if (!picture) return;
    const without = (rows: Row[]): Row[] => rows.filter((row) => row.id !== data.id);
    this.picture = { ...picture, items: without(picture.items), not_placed: without(picture.not_placed) };
  }

  #announce(row: Row): void {
    const sentence = sentenceOf(row, clock.now);
    this.announcement = say.words.wall.nowIs(row.name, say.name(row.place?.name), stateWord(row), sentence);
    this.changed = new Set([...this.changed, row.id]);
    setTimeout(() => {
      this.changed = new Set([...this.changed].filter((id) => id !== row.id));
    }, 2_000);
  }

  #keep(): void {
    const user = session.me?.user.username;
    if (!this.picture || !user || !session.token || !this.fresh) return;
    this.#keptAt = Date.now();
    keep('wall', { picture: this.picture, at: this.at, place: settings.place, user } satisfies Kept);
  }
}

/** Whether the row stays where it stands: order follows the state and the time of the alarm, nothing that flickers. */
function sameRank(one: Row, other: Row): boolean {
  return one.state === other.state && one.severity === other.severity && one.alarm_at === other.alarm_at && one.alarmed_at === other.alarmed_at;
}

/** The strip with one more reading in it; it moves on by whole steps as time does. */
export function withPoint(strip: Strip | null, point: [number, number] | null): Strip | null {
  if (!strip || !point) return strip;
  const [at, tenths] = point;
  const step = strip.step_s * 1_000;
  const steps = strip.min.length;
  let from = ms(strip.from);
  const past = Math.floor((at - from) / step) - (steps - 1);
  const low = [...strip.min];
  const high = [...strip.max];
  if (past > 0) {
    const moved = Math.min(past, steps);
    const empty: null[] = Array.from({ length: moved }, () => null);
    low.splice(0, moved);
    high.splice(0, moved);
    low.push(...empty);
    high.push(...empty);
    from += past * step;
  }
  const place = Math.floor((at - from) / step);
  if (place < 0 || place >= steps) return strip;
  low[place] = Math.min(low[place] ?? tenths, tenths);
  high[place] = Math.max(high[place] ?? tenths, tenths);
  return { ...strip, from: new Date(from).toISOString(), min: low, max: high };
}

export const wall = new Wall();
