/** The text of an alert: the summary of its rule if there is one, else the reason for its state. Pure. */
import type { AlertView } from '../../monitor/api/contract.ts';

/** What the alert is about: a service, else the machine, the upstream, the target or the process. '' when it says nothing. */
export function aboutOf({ labels }: Pick<AlertView, 'labels'>): string {
  const { service, job, host_name: host, vitrine_upstream: upstream, instance } = labels;
  return service ?? job ?? host ?? upstream ?? instance ?? '';
}

/** Without the full stop, so that the sentence can continue. */
export function summaryOf({ annotations, reason }: Pick<AlertView, 'annotations' | 'reason'>): string {
  const summary = annotations.summary?.trim() ?? '';
  return (summary === '' ? reason : summary).trim().replace(/\.$/, '');
}
