/** What this browser keeps: small things by name. A full or forbidden store loses the keeping, never the page. */

const PREFIX = 'coldchain.';

export function read<T>(name: string): T | null {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? null : (JSON.parse(text) as T);
  } catch {
    return null; // forbidden store, or a text that another version wrote
  }
}

export function keep(name: string, value: unknown): boolean {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

export function forget(name: string): void {
  try {
    localStorage.removeItem(PREFIX + name);
  } catch {
    // a store that cannot be written to holds nothing
  }
}
