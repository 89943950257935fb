/** Acknowledging and silencing an alert, from its row and from its page; a silence can be taken back. */
import { sendJson } from '../state/api.ts';
import { say, sayError } from '../ui/toast.tsx';
import { matchersOf } from './matcher-text.ts';

interface Cared {
  readonly fingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** What can be done with an alert on `/api/alerts/{fingerprint}/…`; `words` are said after it. */
export function actOn({ fingerprint }: Cared, action: string, body: object, words: string, done: () => void): void {
  sendJson('POST', `/api/alerts/${fingerprint}/${action}`, body)
    .then(() => {
      say(words);
      return done();
    })
    .catch(sayError);
}

export function silenceOf({ labels }: Cared, done: () => void): void {
  const body = { matchers: matchersOf(labels), duration: '2h', comment: 'Made on the page of alerts' };
  sendJson<{ silence: { id: string } }>('POST', '/api/silences', body)
    .then(({ silence: { id } }) => {
      done();
      return say('Silenced for two hours.', {
        undo: async () => {
          await sendJson('DELETE', `/api/silences/${id}`);
          done();
        },
      });
    })
    .catch(sayError);
}
