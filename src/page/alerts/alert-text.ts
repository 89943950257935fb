/** The text of an alert: the summary of its rule if there is one, else the reason for its state. Pure. */
import type { AlertView } from '../../monitor/api/contract.ts';
import type { Status } from '../ui/status.ts';

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

/** The shape of an alert that fires. */
export function firingStatus(severity: string | undefined): Status {
  if (severity === 'info') return 'unknown';
  return severity === 'critical' ? 'crit' : 'warn';
}

/** `Down (3), Slow and 4 more`: names in the order in which they come first, at most `most` of them. */
export function countedNames(names: readonly string[], most: number): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  const texts = [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`));
  const more = texts.length > most ? ` and ${texts.length - most} more` : '';
  return texts.slice(0, most).join(', ') + more;
}
