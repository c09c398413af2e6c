/** Rules in plain words, and as rows that can be typed into. */

import { say } from './say.svelte';
import type { Rule, RuleSet } from './shapes';

const SECOND = 1_000;
const SECONDS = { min: 60, h: 3_600, d: 86_400 } as const;
export type Unit = keyof typeof SECONDS;
export const UNITS = Object.keys(SECONDS) as Unit[];

/** A rule while it is edited: numbers as they were typed. `more`: longer than the time, not as long as it. */
export interface Row {
  code: string;
  quantity: Rule['quantity'];
  operator: Rule['operator'];
  limit: string;
  mode: Rule['mode'];
  time: string;
  unit: Unit;
  more: boolean;
  window: string;
  windowUnit: Unit;
  severity: Rule['severity'];
  sensor: string;
  source: string;
  verified: string;
}

/** "Alarm" is said beside it: "above 8.0 °C for 10 h without a break". */
export function sentenceOfRule(rule: Rule): string {
  const w = say.words.rules;
  const what = conditionOf(rule);
  if (rule.duration_s === 0) return w.atOnce(what);
  const isMore = rule.duration_s % 1 > 0 && rule.duration_s % 1 < 0.01;
  const length = say.duration(Math.floor(rule.duration_s) * SECOND);
  const time = isMore ? w.moreThan(length) : length;
  if (rule.mode === 'consecutive') return w.forTime(what, time);
  return rule.window_s === null ? w.inAll(what, time) : w.inAllWithin(what, time, say.duration(rule.window_s * SECOND));
}

function conditionOf(rule: Rule): string {
  const w = say.words.rules;
  const isUpper = rule.operator === '>' || rule.operator === '>=';
  if (rule.quantity === 'door') return isUpper ? w.doorOpen : w.doorClosed;
  if (rule.quantity === 'power') return isUpper ? w.powerThere : w.powerGone;
  const limit = rule.limit_c ?? 0;
  const said = say.celsius(limit, Number.isInteger(limit * 10) ? 1 : 2);
  return { '>': w.over, '>=': w.overOrAt, '<': w.under, '<=': w.underOrAt }[rule.operator](said);
}

export const nameOfRule = (code: string): string => say.words.incidents.rule[code] ?? code;

export function rowOf(rule: Rule): Row {
  const [time, unit] = inUnits(Math.floor(rule.duration_s));
  const [window, windowUnit] = rule.window_s === null ? ['', 'h' as Unit] : inUnits(rule.window_s);
  return {
    code: rule.code,
    quantity: rule.quantity,
    operator: rule.operator,
    limit: rule.limit_c === null ? '' : String(rule.limit_c),
    mode: rule.mode,
    time,
    unit,
    more: rule.duration_s % 1 > 0,
    window,
    windowUnit,
    severity: rule.severity,
    sensor: rule.sensor,
    source: rule.source,
    verified: rule.verified,
  };
}

export const blankRow = (code: string): Row => ({ code, quantity: 'temperature', operator: '>', limit: '', mode: 'consecutive', time: '', unit: 'h', more: false, window: '', windowUnit: 'h', severity: 'alarm', sensor: '*', source: '', verified: 'P' });

/** What is sent; null where a number is missing or none. */
export function ruleOf(row: Row): Rule | null {
  const isTemperature = row.quantity === 'temperature';
  const limit = isTemperature ? numberIn(row.limit) : NaN;
  const time = numberIn(row.time);
  const window = row.mode === 'cumulative' && row.window.trim() !== '' ? numberIn(row.window) : null;
  if ((isTemperature && Number.isNaN(limit)) || Number.isNaN(time) || Number.isNaN(window ?? 0) || row.code.trim() === '') return null;
  const duration = rounded(time * SECONDS[row.unit]);
  return {
    code: row.code.trim(),
    quantity: row.quantity,
    operator: row.operator,
    limit_c: isTemperature ? limit : null,
    limit: isTemperature ? null : row.operator.startsWith('>') ? 0 : 1,
    mode: row.mode,
    duration_s: row.more ? rounded(duration + 0.001) : duration,
    window_s: window === null ? null : rounded(window * SECONDS[row.windowUnit]),
    severity: row.severity,
    sensor: row.sensor.trim() || '*',
    source: row.source.trim(),
    verified: row.verified,
  };
}

/** A number as people type it, with comma or point, in either digits; NaN where it is none. */
export function numberIn(text: string): number {
  const plain = text.trim().replace(',', '.').replace('−', '-').replace(/[०-९]/g, (digit) => String('०१२३४५६७८९'.indexOf(digit)));
  return plain === '' ? NaN : Number(plain);
}

const rounded = (seconds: number): number => Math.round(seconds * SECOND) / SECOND;

function inUnits(seconds: number): [string, Unit] {
  const unit = (seconds % SECONDS.d === 0 && seconds > 2 * SECONDS.d) ? 'd' : seconds % SECONDS.h === 0 && seconds > 0 ? 'h' : 'min';
  return [String(rounded(seconds / SECONDS[unit])), unit];
}

/** Where a version of a rule set is shown. */
export function addressOf(name: string, version?: number): string {
  const point = name.startsWith('point/') ? name.slice('point/'.length) : null;
  const page = point === null ? `/rules/${encodeURIComponent(name)}` : `/points/${encodeURIComponent(point)}/rules`;
  return version === undefined ? page : `${page}?version=${version}`;
}

/** "from 3 Jan, 10:00 to 5 Jan, 08:00", "since always", … */
export function heldWhen(one: RuleSet, now: number): string {
  const w = say.words.rules;
  const at = (instant: string): string => say.instant(Date.parse(instant), now);
  if (one.until !== null) return one.since === null ? w.until(at(one.until)) : w.fromTo(at(one.since), at(one.until));
  if (one.since === null) return w.always;
  return Date.parse(one.since) > now ? w.fromOn(at(one.since)) : w.since(at(one.since));
}

/** The instant of a clock at the place: `2026-01-02T10:30` there, ms UTC; NaN where it is none. */
export function instantAt(local: string, zone: string): number {
  const wanted = Date.parse(`${local}Z`);
  if (Number.isNaN(wanted)) return NaN;
  const shown = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium', hourCycle: 'h23' });
  let instant = wanted;
  for (let round = 0; round < 2; round += 1) instant += wanted - readBack(shown, instant);
  return instant;
}

function readBack(shown: Intl.DateTimeFormat, instant: number): number {
  const part = Object.fromEntries(shown.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
  return Date.UTC(part['year'] ?? 0, (part['month'] ?? 1) - 1, part['day'], part['hour'], part['minute'], part['second']);
}
