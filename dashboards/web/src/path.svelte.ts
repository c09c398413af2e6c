/** Where the reader is: the path of the address bar. Links are plain links; this only keeps the page from reloading. */

class Path {
  here = $state(location.pathname);
  query = $state.raw(new URLSearchParams(location.search));
  /** How often the reader has moved: the first page keeps the focus where the browser put it. */
  moves = $state(0);

  constructor() {
    addEventListener('popstate', () => this.#arrive());
    document.addEventListener('click', (event) => this.#follow(event));
  }

  go(to: string): void {
    history.pushState(null, '', to);
    this.#arrive();
    scrollTo(0, 0);
  }

  #arrive(): void {
    this.here = location.pathname;
    this.query = new URLSearchParams(location.search);
    this.moves += 1;
  }

  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.getAttribute('href')?.startsWith('#')) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

export const path = new Path();
