/** Acknowledging and silencing an alert, from its row and from its page; a silence can be taken back. */
import { sendJson } from '../state/api.ts';
import { say, sayError } from '../ui/toast.tsx';
import { matchersOf } from './matcher-text.ts';

interface Cared {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
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

/** `undone` is called when somebody takes the silence back. Resolves in any case. */
export async function silenceOf({ labels }: Cared, undone: () => void): Promise<void> {
  const body = { matchers: matchersOf(labels), duration: '2h', comment: 'Made on the page of alerts' };
  try {
    const { silence } = await sendJson<{ silence: { id: string } }>('POST', '/api/silences', body);
    say('Silenced for two hours.', {
      undo: async () => {
        await sendJson('DELETE', `/api/silences/${silence.id}`);
        undone();
      },
    });
  } catch (error) {
    sayError(error);
  }
}
