/**
 * How things are said: the words of the reader's language, numbers in the reader's digits with a true minus sign,
 * instants on the clock of the place (never this browser's).
 */

import { settings } from './settings.svelte';
import type { Names } from './shapes';
import type { Words } from './words/en';

const files = import.meta.glob<{ default: Words }>('./words/*.ts');

/** The languages that there are: one file each in `words/`. */
export const LANGUAGES = Object.keys(files).map((path) => path.slice('./words/'.length, -'.ts'.length));
/** Each language's own name for itself, so that nobody must read another's to find it. */
export const LANGUAGE_NAMES: Record<string, string> = { en: 'English', hi: 'हिन्दी' };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DEVANAGARI = '०१२३४५६७८९';

const devanagari = (text: string): string => text.replace(/[0-9]/g, (digit) => DEVANAGARI[Number(digit)] ?? digit);

/** The words with their own numbers in Devanagari digits. What is handed into a sentence is in them already, or a name. */
function inDevanagari(words: unknown): unknown {
  if (typeof words === 'string') return devanagari(words);
  if (Array.isArray(words)) return words.map(inDevanagari);
  if (typeof words !== 'object' || words === null) return words;
  return Object.fromEntries(Object.entries(words).map(([key, word]) => [key, inDevanagari(word)]));
}

class Say {
  /** Set before the page is mounted, by `speak`. */
  #spoken = $state.raw<Words>({} as Words);
  words = $derived(settings.digits === 'devanagari' ? (inDevanagari(this.#spoken) as Words) : this.#spoken);
  zone = $state('Asia/Kolkata');

  #formats = new Map<string, Intl.DateTimeFormat>();

  async speak(language: string): Promise<void> {
    const file = files[`./words/${language}.ts`] ?? files['./words/en.ts'];
    if (!file) throw new Error('no words were built in');
    this.#spoken = (await file()).default;
    settings.change({ language });
    document.documentElement.lang = language;
  }

  /** In the reader's digits. */
  digits(text: string): string {
    if (settings.digits === 'international') return text;
    return devanagari(text);
  }

  /** 12345.6 → 12,345.6; −0.9 with the true minus; lakhs are grouped as India groups them. */
  number(value: number, decimals = 0): string {
    const rounded = Math.abs(value).toFixed(decimals);
    const [whole = '0', rest] = rounded.split('.');
    const grouped = whole.length > 3 ? `${whole.slice(0, -3).replace(/\B(?=(\d\d)+$)/g, ',')},${whole.slice(-3)}` : whole;
    const sign = value < 0 && Number(rounded) !== 0 ? '−' : '';
    return this.digits(sign + grouped + (rest ? `.${rest}` : ''));
  }

  /** 10.4 → "10.4 °C", with a space that does not break. */
  celsius(value: number, decimals = 1): string {
    return `${this.number(value, decimals)}\u00a0°C`;
  }

  /** "3 h 12 min", "2 d 4 h": the two largest parts, never rounded up. */
  duration(ms: number): string {
    const w = this.words;
    const minutes = Math.floor(Math.max(0, ms) / MINUTE);
    if (minutes < 1) return w.lessThanAMinute;
    if (minutes < 60) return w.minutes(this.digits(String(minutes)));
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    if (hours < 24) {
      return rest === 0 ? w.hours(this.digits(String(hours))) : w.hoursAndMinutes(this.digits(String(hours)), this.digits(String(rest).padStart(hours > 0 ? 2 : 1, '0')));
    }
    const days = Math.floor(hours / 24);
    const over = hours % 24;
    return over === 0 || days >= 7 ? w.days(this.digits(String(days))) : w.daysAndHours(this.digits(String(days)), this.digits(String(over)));
  }

  /** "10:41" of the place. */
  clock(instant: number): string {
    return this.#write(instant, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  }

  /** "24 Nov" of the place. */
  day(instant: number): string {
    return this.#write(instant, { day: 'numeric', month: 'short' });
  }

  /** "November 2026" of the place. */
  month(instant: number): string {
    return this.#write(instant, { month: 'long', year: 'numeric' });
  }

  /** "10:41" where that is today at the place, "24 Nov 10:41" where it is not. */
  instant(instant: number, now: number): string {
    const sameDay = this.#dayKey(instant) === this.#dayKey(now);
    return sameDay ? this.clock(instant) : `${this.day(instant)}${now - instant > 300 * DAY ? ` ${this.#write(instant, { year: 'numeric' })}` : ''}, ${this.clock(instant)}`;
  }

  /** With the day, for whoever must write it down. */
  instantInFull(instant: number): string {
    return `${this.#write(instant, { day: 'numeric', month: 'short', year: 'numeric' })}, ${this.clock(instant)}`;
  }

  /** A place's name in the reader's language; in another where it has none. */
  name(names: Names | string | null | undefined): string {
    if (!names) return '';
    if (typeof names === 'string') return names;
    return names[settings.language] ?? names['en'] ?? Object.values(names)[0] ?? '';
  }

  #dayKey(instant: number): string {
    return this.#format({ day: '2-digit', month: '2-digit', year: 'numeric' }).format(instant);
  }

  #write(instant: number, how: Intl.DateTimeFormatOptions): string {
    return this.digits(this.#format(how).format(instant));
  }

  #format(how: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = `${settings.language}|${this.zone}|${JSON.stringify(how)}`;
    let format = this.#formats.get(key);
    if (!format) {
      format = new Intl.DateTimeFormat(`${settings.language}-IN`, { ...how, timeZone: this.zone, numberingSystem: 'latn' });
      this.#formats.set(key, format);
    }
    return format;
  }
}

export const say = new Say();
