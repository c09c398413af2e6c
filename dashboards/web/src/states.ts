/** A state is a mark, a word, a colour and a sentence with the time that is left. And what to do about it. */

import { ms } from './clock.svelte';
import { say } from './say.svelte';
import type { Row, State } from './shapes';

export type Tone = 'hot' | 'cold' | 'warn' | 'silent' | 'fault' | 'ok' | 'plain';

export const MARK: Record<State, string> = { hot: '▲', cold: '▼', power: '⏻', watch: '◆', silent: '◌', fault: '✕', ok: '●', empty: '○' };
const TONE: Record<State, Tone> = { hot: 'hot', cold: 'cold', power: 'warn', watch: 'warn', silent: 'silent', fault: 'fault', ok: 'ok', empty: 'plain' };

export const toneOf = (state: State): Tone => TONE[state] ?? 'plain';

/** The text sign, not a coloured picture of it. */
export const markOf = (state: State): string => `${MARK[state] ?? '○'}\ufe0e`;

const HOUR = 3_600_000;
const MOVES = 0.3; // °C an hour: less is the compressor's breath
const KNOWN_AT_ALL: readonly State[] = ['hot', 'cold', 'watch', 'ok', 'power'];

export function stateWord(row: Row): string {
  const { state } = say.words;
  if (isDoorOpen(row)) return state.door;
  if (row.state !== 'watch' || Math.abs(row.trend_c_per_h ?? 0) < MOVES) return state[row.state] ?? state.watch;
  return (row.trend_c_per_h ?? 0) > 0 ? state.rising : state.falling;
}

/** In range, but for a door that has stood open for too long. */
const isDoorOpen = (row: Row): boolean => row.state === 'watch' && row.incident?.kind === 'door' && row.limit_c === null;

/** Whether the row's number may be read as what it is now. */
export const isKnown = (row: Row): boolean => row.celsius !== null && KNOWN_AT_ALL.includes(row.state);

/** The sentence of a row. */
export function sentenceOf(row: Row, now: number): string {
  return parts(row, now).join(' · ');
}

function parts(row: Row, now: number): string[] {
  const { sentence, fault } = say.words;
  switch (row.state) {
    case 'silent': {
      const heard = ms(row.last_heard_at);
      if (isReadByHand(row)) return [sentence.readByHand(say.duration(now - ms(row.measured_at)), say.celsius(row.celsius as number))];
      if (Number.isNaN(heard)) return [sentence.neverHeard];
      const time = say.duration(now - heard);
      return [row.celsius === null ? sentence.lastHeard(time) : sentence.lastHeardAt(time, say.celsius(row.celsius))];
    }
    case 'fault': {
      const since = say.instant(Number.isNaN(ms(row.since)) ? now : ms(row.since), now);
      return [(fault[row.fault ?? 'other'] ?? fault['other'])?.(since) ?? ''];
    }
    case 'empty':
      return [sentence.empty];
    case 'power':
      return [Number.isNaN(ms(row.since)) ? say.words.state.power : sentence.noMains(say.duration(now - ms(row.since))), breachOf(row, now)].filter((part) => part !== '');
    case 'ok':
      return row.celsius === null ? [] : [sentence.inRange(say.celsius(row.celsius))];
    default:
      if (isDoorOpen(row)) return doorOpen(row, now);
      return [leaning(row, now), timeLeft(row, now)].filter((part) => part !== '');
  }
}

function doorOpen(row: Row, now: number): string[] {
  const { sentence } = say.words;
  const since = Number.isNaN(ms(row.since)) ? now : ms(row.since);
  return [sentence.doorOpen(say.duration(now - since)), ...(row.celsius === null ? [] : [sentence.inRange(say.celsius(row.celsius))])];
}

/** Of a fridge without power: "8.0 °C in about 3 h", where that can be foretold. */
function breachOf(row: Row, now: number): string {
  const breach = row.power_cut?.breach;
  if (!breach) return '';
  const left = ms(breach.likely_at) - now;
  const { sentence } = say.words;
  return left <= 60_000 ? sentence.breachNow(say.celsius(breach.limit_c)) : sentence.breachIn(say.celsius(breach.limit_c), say.duration(left));
}

/** "above 8.0 °C for 3 h 12 min", or how a number in range moves. */
export function leaning(row: Row, now: number): string {
  const { sentence } = say.words;
  const { celsius, limit_c: limit } = row;
  const since = ms(row.since);
  if (limit !== null && !Number.isNaN(since)) {
    const isUpper = row.state === 'hot' || (row.state === 'watch' && celsius !== null && celsius > limit);
    const summed = row.minutes_summed ?? null;
    if (summed !== null) return (isUpper ? sentence.aboveInAll : sentence.belowInAll)(say.celsius(limit), say.duration(summed * 60_000));
    return (isUpper ? sentence.above : sentence.below)(say.celsius(limit), say.duration(now - since));
  }
  if (celsius === null) return '';
  const trend = row.trend_c_per_h ?? 0;
  if (Math.abs(trend) < MOVES) return sentence.near(say.celsius(celsius));
  return (trend > 0 ? sentence.rising : sentence.falling)(say.celsius(celsius), say.celsius(Math.abs(trend)));
}

/** "alarm in 6 h 48 min", "alarm since 17:20", or when a limit is reached at the present pace. */
export function timeLeft(row: Row, now: number): string {
  const { sentence } = say.words;
  const alarmedAt = ms(row.alarmed_at);
  if (!Number.isNaN(alarmedAt)) return sentence.alarmSince(say.instant(alarmedAt, now));
  const alarmAt = ms(row.alarm_at);
  if (!Number.isNaN(alarmAt)) return alarmAt - now < 60_000 ? sentence.alarmDue : sentence.alarmIn(say.duration(alarmAt - now));
  const { celsius, limit_c: limit, trend_c_per_h: trend } = row;
  if (row.state !== 'watch' || row.since || celsius === null || limit === null || !trend) return '';
  const left = ((limit - celsius) / trend) * HOUR;
  return left > 60_000 && left < 24 * HOUR ? sentence.reaches(say.celsius(limit), say.duration(left)) : '';
}

/** Whether only files tell of it: its logger has no network, and is silent for no fault. */
function isReadByHand(row: Row): boolean {
  return row.last_heard_at === null && row.measured_at !== null && row.celsius !== null;
}

/** What to do now; the last line of three says what must not be done. */
export function adviceFor(row: Row): string[] {
  const { advice } = say.words;
  switch (row.state) {
    case 'hot':
      if (row.band.high_c !== null && row.band.high_c < 0) return row.severity === 'out' ? advice.hotFreezer : advice.hotFreezerLong;
      return row.severity === 'alarm' ? advice.hotAlarm : row.severity === 'warning' ? advice.hotWarning : advice.hot;
    case 'cold':
      return advice.cold;
    case 'watch':
      return row.limit_c !== null && row.celsius !== null && row.celsius < row.limit_c && row.since ? advice.cold : advice.watch;
    case 'silent':
      return isReadByHand(row) ? advice.readByHand : advice.silent;
    case 'fault':
      return advice.fault;
    case 'power':
      return advice.power;
    case 'empty':
      return advice.empty;
    default:
      return [];
  }
}

export type Group = 'act' | 'watch' | 'unheard' | 'fine' | 'empty';
const GROUP: Record<State, Group> = { hot: 'act', cold: 'act', power: 'act', watch: 'watch', silent: 'unheard', fault: 'unheard', ok: 'fine', empty: 'empty' };
export const groupOf = (row: Row): Group => GROUP[row.state] ?? 'empty';

const RANK: Record<State, number> = { hot: 0, cold: 0, power: 1, watch: 2, silent: 3, fault: 4, ok: 5, empty: 6 };

/** Worst first, by the time that is left until harm. The desk orders so, too; live rows find their place by this. */
export function ordered(rows: Row[]): Row[] {
  const never = Number.MAX_SAFE_INTEGER;
  const or = (instant: number): number => (Number.isNaN(instant) ? never : instant);
  const key = (row: Row): number[] => {
    if (row.alarmed_at) return [RANK[row.state], 0, or(ms(row.alarmed_at))];
    if (row.state === 'watch') return [RANK[row.state], row.severity === 'warning' ? 0 : 1, or(ms(row.since))];
    if (row.state === 'power') return row.power_cut?.breach ? [RANK.power, 1, or(ms(row.power_cut.breach.likely_at))] : [RANK.power, 0, 0];
    if (row.state === 'silent' || row.state === 'fault') return [RANK[row.state], 0, or(ms(row.since))];
    return [RANK[row.state], 1, or(ms(row.alarm_at))];
  };
  return [...rows].sort((one, other) => {
    const [a, b] = [key(one), key(other)];
    for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
    const where = (row: Row): string => row.place?.name['en'] ?? '';
    return where(one).localeCompare(where(other)) || one.name.localeCompare(other.name);
  });
}
