/** The text of an alert: the summary of its rule if there is one, else the reason for its state. Pure. */
import type { AlertView } from '../../monitor/api/contract.ts';

/** Without the full stop, so that the sentence can continue. */
export function summaryOf({ annotations, reason }: Pick<AlertView, 'annotations' | 'reason'>): string {
  const summary = annotations.summary?.trim() ?? '';
  return (summary === '' ? reason : summary).trim().replace(/\.$/, '');
}
