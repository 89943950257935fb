/** Acknowledging and silencing an alert, from its row and from its page; a silence can be taken back. */
import { sendJson } from '../state/api.ts';
import { say, sayError } from '../ui/toast.tsx';

interface Cared {
  readonly fingerprint: string;
}

/** What can be done with an alert on `/api/alerts/{fingerprint}/…`; `words` are said after it. Resolves in any case. */
export async function actOn({ fingerprint }: Cared, action: string, body: object, words: string): Promise<void> {
  try {
    await sendJson('POST', `/api/alerts/${fingerprint}/${action}`, body);
    say(words);
  } catch (error) {
    sayError(error);
  }
}

/** The page of an alert with the form of a silence open: it asks for a reason and shows what would be muted. */
export const silencePath = ({ fingerprint }: Cared): string => `/alerts/${fingerprint}?silence=new`;

/** Makes a silence that can be taken back; `changed` is called after either. Rejects as `sendJson` does. */
export async function silence(
  body: { readonly matchers: readonly string[]; readonly duration: string; readonly comment: string },
  changed: () => void,
): Promise<void> {
  const { silence: made } = await sendJson<{ silence: { id: string } }>('POST', '/api/silences', body);
  say(`Silenced for ${body.duration}.`, {
    undo: async () => {
      await sendJson('DELETE', `/api/silences/${made.id}`);
      changed();
    },
  });
  changed();
}
