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

export const isOver = (incident: Incident): boolean => incident.state === 'ended' || incident.state === 'withdrawn';
