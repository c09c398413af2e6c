/**
 * The service worker: the shell of the page from the phone itself, so that it opens with no line and at once with one.
 * Nothing of the API is kept here; the last wall is kept by the page, which can say how old it is.
 */

/** What of the worker's world is used here; the library's own types collide with those of a page. */
interface Worker {
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
  addEventListener(type: 'install' | 'activate' | 'fetch', heard: (event: WorkerEvent) => void): void;
}
interface WorkerEvent extends Event {
  request: Request;
  waitUntil(work: Promise<unknown>): void;
  respondWith(answer: Promise<Response>): void;
}

const worker = self as unknown as Worker;
const shelf = 'shell-%VERSION%';
const files = '%FILES%'.split(' ');
const theirs = ['/api/', '/health', '/metrics', '/docs', '/openapi.json', '/redoc'];

worker.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(shelf)
      .then((cache) => cache.addAll(['/', '/icon.svg', '/manifest.webmanifest', ...files]))
      .then(() => worker.skipWaiting()),
  );
});

worker.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== shelf).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  );
});

worker.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== worker.location.origin) return;
  if (theirs.some((path) => url.pathname.startsWith(path))) return;
  const wanted = event.request.mode === 'navigate' ? '/' : event.request;
  event.respondWith(caches.match(wanted).then((kept) => kept ?? fetch(event.request)));
});
