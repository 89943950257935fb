/** `vitrine oncall`: who is on call now and next, and overrides. */
import { localOf } from '../../model/time/local-time.ts';
import type { AlertTarget } from './alerts.ts';
import { ask, send } from '../client.ts';
import { print, tell, visibleLine } from '../output.ts';

interface Shift {
  readonly person: string | null;
  readonly why: string;
  readonly from: string;
  readonly to: string | null;
}

interface OnCall {
  readonly schedules: readonly {
    readonly name: string;
    readonly zone: string;
    readonly now: Shift;
    readonly next: readonly Shift[];
  }[];
  readonly escalating: readonly {
    readonly group: string;
    readonly step: number;
    readonly told: readonly string[];
    readonly acknowledged: boolean;
  }[];
}

const out = (text: string): void => print(visibleLine(text));

/** A time on the clock of the zone, as a person there reads it. */
const local = (time: string, zone: string): string =>
  new Date(localOf(Date.parse(time), zone)).toISOString().slice(0, 19).replace('T', ' ');

export async function showOnCall(target: AlertTarget, at: string | undefined): Promise<void> {
  const answer = (await ask(target, `/api/oncall${at === undefined ? '' : `?at=${encodeURIComponent(at)}`}`)) as OnCall;
  if (target.json) return print(JSON.stringify(answer));
  if (answer.schedules.length === 0) return out('There is no schedule (notify.oncall.schedules).');
  for (const { name, zone, now, next } of answer.schedules) {
    const until = now.to === null ? '' : ` until ${local(now.to, zone)}`;
    out(`${name} (${zone}): ${now.person ?? 'nobody'}${until}, ${now.why}`);
    for (const { person, from } of next) out(`    from ${local(from, zone)}: ${person ?? 'nobody'}`);
  }
  for (const { group, step, told, acknowledged } of answer.escalating) {
    out(`escalating: ${group}, step ${step}, told ${told.join(', ')}${acknowledged ? ', acknowledged' : ''}`);
  }
  return undefined;
}

export async function addOverride(target: AlertTarget, body: object): Promise<void> {
  const answer = (await send(target, '/api/oncall/overrides', { ...body, by: target.by })) as {
    readonly override: { readonly id: string; readonly from: string; readonly to: string };
  };
  if (target.json) return print(JSON.stringify(answer));
  tell(`From ${answer.override.from} to ${answer.override.to}.`);
  return print(answer.override.id);
}
