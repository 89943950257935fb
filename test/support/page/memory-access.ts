/** Tokens, accounts and the record of changes in memory, for tests of the API. */
import type { AccessStore, AccountRecord, AuditEntry, LinkRecord, TokenRecord } from '../../../src/model/access.ts';

export function memoryAccess(tokens: TokenRecord[] = []): AccessStore & { readonly entries: AuditEntry[] } {
  const entries: AuditEntry[] = [];
  const accounts = new Map<string, AccountRecord>();
  const links = new Map<string, LinkRecord>();
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
    accounts: () => [...accounts.values()],
    links: () => [...links.values()],
    async putAccount(account, link) {
      accounts.set(account.id, account);
      links.delete(account.id);
      if (link !== undefined) links.set(account.id, link);
    },
    async removeAccount(id) {
      accounts.delete(id);
      links.delete(id);
    },
    audit: (limit) => entries.toReversed().slice(0, limit),
    async note(entry) {
      entries.push(entry);
    },
  };
}
