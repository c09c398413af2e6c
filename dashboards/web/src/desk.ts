/** The front desk: every question of the window goes through here. */

import { session } from './session.svelte';

export const API = '/api/v1';
const PATIENCE = 30_000;

/** The desk said no, and why (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly retryAfter: number | null = null,
    readonly errors: { where: string; detail: string }[] = [],
  ) {
    super(detail);
  }
}

/** The desk could not be reached. */
export class NoLine extends Error {}

export async function ask<T>(path: string): Promise<T> {
  return send<T>('GET', path);
}

export async function tell<T>(path: string, body: unknown): Promise<T> {
  return send<T>('POST', path, JSON.stringify(body), 'application/json');
}

export async function send<T>(method: string, path: string, body?: string | Blob, type?: string): Promise<T> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), PATIENCE);
  try {
    const answer = await fetch(path.startsWith('/api/') || path === '/health' ? path : API + path, {
      method,
      headers: headers(type),
      ...(body === undefined ? {} : { body }),
      signal: limit.signal,
    });
    return await understood<T>(answer, path);
  } catch (why) {
    if (why instanceof Problem) throw why;
    throw new NoLine(String(why));
  } finally {
    clearTimeout(timer);
  }
}

export async function understood<T>(answer: Response, path: string): Promise<T> {
  if (answer.ok) return (answer.status === 204 ? null : await answer.json()) as T;
  if (answer.status === 401 && !path.endsWith('/sign-in')) session.end(true);
  if (answer.status >= 502 && answer.status <= 504) throw new NoLine(`status ${answer.status}`);
  let said: { detail?: unknown; title?: unknown; errors?: { where: string; detail: string }[] } = {};
  try {
    said = await answer.json();
  } catch {
    // an answer without a document still has its status
  }
  const wait = Number(answer.headers.get('Retry-After'));
  const detail = typeof said.detail === 'string' ? said.detail : typeof said.title === 'string' ? said.title : '';
  throw new Problem(answer.status, detail, Number.isFinite(wait) && wait > 0 ? wait : null, said.errors ?? []);
}

export function headers(type?: string): Record<string, string> {
  return {
    Accept: 'application/json',
    ...(session.token ? { Authorization: `Bearer ${session.token}` } : {}),
    ...(type ? { 'Content-Type': type } : {}),
  };
}
