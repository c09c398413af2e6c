/** How a value is said in its own unit: °C, %, volts; a door is open or closed, power is there or not. */

import { say } from './say.svelte';

export type Quantity = 'temperature' | 'humidity' | 'door' | 'power' | 'compressor' | 'battery' | 'other';

/** As `coldchain/quantities.py` tells it: by the unit, and among switches by the name. */
export function quantityOf(sensor: string, unit: string | null | undefined): Quantity {
  if (!unit || unit === 'Cel') return 'temperature';
  const name = sensor.toLowerCase();
  if (unit === 'bool' || unit === '/') return name.includes('door') || name.includes('lid') ? 'door' : name.includes('power') || name.includes('mains') ? 'power' : name.includes('compressor') ? 'compressor' : 'other';
  if (unit === '%RH' || unit === 'RH') return 'humidity';
  return ['%EL', 'EL', 'V'].includes(unit) && name.includes('bat') ? 'battery' : 'other';
}

export function measured(sensor: string, unit: string | null | undefined, value: number): string {
  const quantity = quantityOf(sensor, unit);
  if (quantity === 'temperature') return say.celsius(value, 2);
  if (unit === 'bool' || unit === '/') return say.words.measured.is[quantity]?.[value >= 1 ? 1 : 0] ?? say.words.measured.is['other']?.[value >= 1 ? 1 : 0] ?? '';
  const decimals = Number.isInteger(value) ? 0 : 2;
  return `${say.number(value, decimals)}\u00a0${unit === '%RH' || unit === '%EL' ? '%' : unit === 'V' ? say.words.measured.volts : (unit ?? '')}`;
}
