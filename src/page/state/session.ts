/** Who looks at the page, what the role allows, and which parts this server has: asked once for each connection. */
import { computed, effect, signal } from '@preact/signals';
import type { Role, SessionAnswer } from '../../monitor/api/care-contract.ts';
import { getJson } from './api.ts';
import { epoch } from './connection.ts';

export const session = signal<SessionAnswer | undefined>(undefined);

const RANK: Readonly<Record<Role, number>> = { viewer: 0, editor: 1, admin: 2 };

/** False as long as the role is not known. */
export const mayDo = (role: Role): boolean => session.value !== undefined && RANK[session.value.role] >= RANK[role];

/** Parts that this server has; undefined until it has answered. */
export const capabilities = computed(() => session.value?.capabilities);

export async function askSession(): Promise<void> {
  try {
    session.value = await getJson<SessionAnswer>('/api/session');
  } catch {
    // The connection reports what is wrong; a missing token opens the sign-in.
  }
}

export function startSession(): void {
  void askSession();
  effect(() => {
    if (epoch.value > 1) void askSession();
  });
}
