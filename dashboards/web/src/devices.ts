/** How a device is shown: whether it speaks, since when, and how far it may be trusted. */

import { clock, ms } from './clock.svelte';
import { say } from './say.svelte';
import type { Device } from './shapes';
import type { Tone } from './states';

export function hearing(device: Device): { text: string; tone: Tone; mark: string } {
  const w = say.words.devices;
  if (device.ended_at) return { text: w.ended, tone: 'plain', mark: '○' };
  if (device.silent_since) return { text: w.silentFor(say.duration(clock.now - (ms(device.last_heard_at) || ms(device.silent_since)))), tone: 'silent', mark: '◌' };
  if (!device.last_heard_at && device.kind === 'bridge') return { text: w.bridge, tone: 'plain', mark: '○' };
  if (!device.last_heard_at) return { text: w.neverHeard, tone: 'plain', mark: '○' };
  return { text: w.heard(say.duration(clock.now - ms(device.last_heard_at))), tone: 'ok', mark: '●' };
}

/** How many sequence numbers the device had to drop. */
export const lostOf = (device: Device): number => (device.outbox?.lost ?? []).reduce((sum, [from, to]) => sum + ((to ?? 0) - (from ?? 0) + 1), 0);

export function outboxText(device: Device): string {
  const w = say.words.devices;
  const waiting = device.outbox?.waiting ?? null;
  if (waiting === null) return '';
  return waiting > 0 ? w.waiting(say.number(waiting)) : w.nothingWaiting;
}
