/** Who is signed in at this browser. The token lives in its store, so that a reload asks nobody. */

import { forget, keep, read } from './kept';
import type { Me, SignedIn } from './shapes';

interface Kept {
  token: string;
  me: Me;
}

class Session {
  token = $state<string | null>(null);
  me = $state.raw<Me | null>(null);
  /** Whether the server ended it, not the person. */
  ended = $state(false);

  constructor() {
    const kept = read<Kept>('session');
    if (kept?.token) {
      this.token = kept.token;
      this.me = kept.me;
    }
  }

  begin(signedIn: SignedIn): void {
    const { token, user, permissions } = signedIn;
    this.token = token;
    this.ended = false;
    this.know({ user, permissions });
    keep('lastUser', user.username);
  }

  know(me: Me): void {
    this.me = me;
    if (this.token) keep('session', { token: this.token, me });
  }

  /** What was typed stays (see `drafts`); what was shown does not: the next person may not be allowed to see it. */
  end(byServer: boolean): void {
    this.token = null;
    this.me = null;
    this.ended = byServer;
    forget('session');
    forget('wall');
  }

  may(permission: string): boolean {
    return this.me?.permissions.includes(permission) ?? false;
  }
}

export const session = new Session();
