/** Changes by hand on the running stack: each is sent, said, and can be taken back. */
import type { CareAnswer, CareChangeView } from '../../monitor/api/care-contract.ts';
import { sendJson } from '../state/api.ts';
import { say, sayError } from '../ui/toast.tsx';

const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** One change in words. */
export function changeWords({ action, target, before, after }: CareChangeView): string {
  if (action === 'weight') return `weight of ${target}: ${plain(before)} → ${plain(after)}`;
  if (action === 'maintenance') return `maintenance of ${target}: ${after === true ? 'on' : 'off'}`;
  if (action === 'purge') {
    return after === null
      ? `purged ${target}`
      : `purged ${target}: ${plain(after)} ${after === 1 ? 'entry' : 'entries'}`;
  }
  if (action === 'unpurge') return `put back ${plain(after)} purged entries`;
  return `${action} ${target}`;
}

/** Sends a change; the message offers its undo. Resolves when the answer has come, failed or not. */
export async function change(path: string, body: unknown, done: () => void): Promise<void> {
  try {
    const { change: made } = await sendJson<CareAnswer>('POST', path, body);
    const { undo } = made;
    const words = changeWords(made);
    const text = `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
    if (undo === null) say(text);
    else {
      say(text, {
        undo: async () => {
          await sendJson<CareAnswer>('POST', undo.path, undo.body);
          done();
        },
      });
    }
  } catch (error) {
    sayError(error);
  }
  done();
}
