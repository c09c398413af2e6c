/** How an incident is shown: the same marks, words and colours as the states on the wall. */

import { clock, ms } from './clock.svelte';
import { say } from './say.svelte';
import type { Incident } from './shapes';
import type { Tone } from './states';

const SIGNS: Record<string, [string, Tone]> = {
  heat: ['▲', 'hot'],
  frost: ['▼', 'cold'],
  silence: ['◌', 'silent'],
  fault: ['✕', 'fault'],
  door: ['◫', 'warn'],
  power: ['⏻', 'warn'],
  clock: ['◷', 'warn'],
  'two-voices': ['⇄', 'warn'],
  platform: ['■', 'warn'],
};

export const markOfKind = (kind: string): string => `${(SIGNS[kind] ?? ['◆'])[0]}\ufe0e`;
export const toneOfKind = (kind: string): Tone => (SIGNS[kind] ?? ['', 'warn'])[1] as Tone;
export const kindWord = (kind: string): string => say.words.incidents.kind[kind] ?? kind;

/** "for 3 h 12 min, goes on", or "lasted 40 min". */
export function howLong(incident: Incident): string {
  const began = ms(incident.started_at);
  const w = say.words.incidents;
  return incident.ended_at ? w.lasted(say.duration(ms(incident.ended_at) - began)) : w.goesOn(say.duration(clock.now - began));
}

export const isOver = (incident: Incident): boolean => ['ended', 'withdrawn', 'merged'].includes(incident.state);

const HARM = ['heat', 'frost', 'power', 'door', 'two-voices', 'clock', 'silence', 'fault', 'platform'];

/** What nobody has looked at first, then what harms most, then what has lasted longest. */
export function worstFirst(incidents: Incident[]): Incident[] {
  const rank = (one: Incident): number[] => [
    one.state === 'open' ? 0 : 1,
    one.severity === 'alarm' ? 0 : 1,
    HARM.indexOf(one.kind),
    ms(one.started_at),
  ];
  return [...incidents].sort((one, other) => {
    const [a, b] = [rank(one), rank(other)];
    for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
    return 0;
  });
}
