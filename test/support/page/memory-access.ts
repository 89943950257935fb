/** Tokens and the record of changes in memory, for tests of the API. */
import type { AccessStore, AuditEntry, TokenRecord } from '../../../src/model/access.ts';

export function memoryAccess(tokens: TokenRecord[] = []): AccessStore & { readonly entries: AuditEntry[] } {
  const entries: AuditEntry[] = [];
  return {
    entries,
    tokens: () => [...tokens],
    async add(token) {
      tokens.push(token);
    },
    async remove(id) {
      tokens.splice(
        tokens.findIndex((token) => token.id === id),
        1,
      );
    },
    audit: (limit) => entries.toReversed().slice(0, limit),
    async note(entry) {
      entries.push(entry);
    },
  };
}
