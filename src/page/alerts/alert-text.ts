/** What an alert says of itself in a sentence: its summary where the rule has one, else why it is in its state. Pure. */
import type { AlertView } from '../../monitor/api/contract.ts';

/** Without its full stop, so that a sentence can go on. */
export function summaryOf({ annotations, reason }: Pick<AlertView, 'annotations' | 'reason'>): string {
  const summary = annotations.summary?.trim() ?? '';
  return (summary === '' ? reason : summary).trim().replace(/\.$/, '');
}
