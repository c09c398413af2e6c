/** The server's clock as far as we know it: this phone's may be wrong by hours. */

class Clock {
  now = $state(Date.now());
  #ahead = 0;

  constructor() {
    setInterval(() => this.look(), 5_000);
    document.addEventListener('visibilitychange', () => this.look());
  }

  /** The server said that it is `instant` now. A second or two of the line do not matter. */
  told(instant: number): void {
    if (Number.isFinite(instant)) this.#ahead = instant - Date.now();
    this.look();
  }

  /** Look at it again: something has just happened. */
  look(): void {
    this.now = Date.now() + this.#ahead;
  }
}

export const clock = new Clock();
/** ms UTC of an ISO text; NaN where there is none. */
export const ms = (iso: string | null | undefined): number => (iso ? Date.parse(iso) : Number.NaN);
