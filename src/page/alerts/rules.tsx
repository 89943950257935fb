/** Rules: the state of each with its figure, those that people made, and the editor with its preview over the past. */
import type { JSX } from 'preact';
import { askedFor, FIGURES_COUNTED } from '../../dashboards/computed.ts';
import type { RulesAnswer, RuleView, StatesAnswer } from '../../monitor/api/alerts/rule-contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { sendJson, useResource, type Resource } from '../state/api.ts';
import { digits } from '../state/format.ts';
import { param, setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { Crumbs } from '../ui/crumbs.tsx';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import type { Status } from '../ui/status.ts';
import { say, sayError } from '../ui/toast.tsx';
import { RuleEditor } from './rule-editor.tsx';
import '../styles/alerts.css';

type State = StatesAnswer['rules'][number];

const STATUS: Readonly<Record<State['state'], Status>> = {
  firing: 'crit',
  pending: 'affected',
  inactive: 'ok',
  unknown: 'unknown',
};

function figureText({ figure, error }: State): string {
  if (error !== '') return 'cannot be judged';
  if (figure === null) return '–';
  if (figure.kind === 'value') return digits(figure.value ?? 0);
  return figure.kind === 'no_traffic' ? 'no traffic' : 'no data';
}

function StateRow({ rule }: { rule: State }): JSX.Element {
  return (
    <tr>
      <td>
        <StatusIcon status={STATUS[rule.state]} label="" /> {rule.state}
      </td>
      <td>
        <Name of={rule.name} most={60} />
        <small class="muted">
          {' '}
          {rule.severity}
          {rule.trial ? ', on trial' : ''}
        </small>
      </td>
      <td class="num">{figureText(rule)}</td>
      <td class="w muted">
        <Name of={rule.file} most={40} />
      </td>
      <td class="query">
        <Name of={rule.query.replaceAll(/\s+/g, ' ')} most={90} mono />
      </td>
    </tr>
  );
}

function conditionOf({ expr, metric, above, below, recover, over }: RuleView): string {
  if (expr !== undefined) return expr;
  const limit = above === undefined ? `below ${below ?? ''}` : `above ${above}`;
  return `${metric ?? ''} ${limit}${recover === undefined ? '' : `, until ${recover}`}${over === undefined ? '' : ` over ${over}`}`;
}

function Made({ rule, reload }: { rule: RuleView; reload: () => void }): JSX.Element {
  const remove = (): void => {
    sendJson('DELETE', `/api/alerts/${rule.id}`)
      .then(() => {
        reload();
        const { id: _id, created_by: _by, created_at: _at, updated_by: _who, updated_at: _when, ...form } = rule;
        return say(`The rule ${rule.name} is deleted.`, {
          undo: async () => {
            await sendJson('POST', '/api/alerts', form);
            reload();
          },
        });
      })
      .catch(sayError);
  };
  return (
    <div class="row-2">
      <div class="line">
        <span>
          <b>
            <Name of={rule.name} most={60} />
          </b>{' '}
          <span class="muted">
            {rule.severity}
            {rule.draft ? ', draft' : ''}
            {rule.trial ? ', on trial' : ''}
          </span>
        </span>
        {mayDo('editor') && (
          <span class="care">
            <button type="button" class="btn sm" onClick={() => setParams({ rule: rule.id })}>
              Change<span class="vh"> {rule.name}</span>
            </button>
            <button type="button" class="btn sm" onClick={remove}>
              Delete<span class="vh"> {rule.name}</span>
            </button>
          </span>
        )}
      </div>
      <p class="muted">
        <Name of={conditionOf(rule)} most={160} mono />
      </p>
    </div>
  );
}

function AllRules({ states }: { states: Resource<StatesAnswer> }): JSX.Element {
  return (
    <section class="card c12" aria-label="All rules">
      <div class="hd">
        <h2>All rules</h2>
        <span class="sub">their state, and the figure that they judge</span>
        <HowComputed of={askedFor('All rules', '/api/alerts/states', FIGURES_COUNTED)} />
      </div>
      <Loaded
        of={states}
        height={240}
        isEmpty={({ rules }) => rules.length === 0}
        empty={<Empty text="There are no rules." />}
      >
        {({ rules }) => (
          <table class="rules">
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Rule</th>
                <th scope="col" class="num">
                  Now
                </th>
                <th scope="col" class="w">
                  File
                </th>
                <th scope="col" class="query">
                  PromQL
                </th>
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <StateRow key={`${rule.file} ${rule.group} ${rule.name}`} rule={rule} />
              ))}
            </tbody>
          </table>
        )}
      </Loaded>
    </section>
  );
}

export function AlertRulesPage(): JSX.Element {
  const made = useResource<RulesAnswer>('/api/alerts', 10_000);
  const states = useResource<StatesAnswer>('/api/alerts/states', 10_000);
  const id = param('rule');
  const reload = (): void => {
    made.reload();
    states.reload();
  };
  const none = <Empty text="Nobody has made a rule here yet. Rules of files are below." />;
  return (
    <>
      <Crumbs list="Alerts" path="/alerts" name="Rules" />
      <section class="card c6" aria-label="Rules made here">
        <div class="hd">
          <h2>Made here</h2>
          <span class="sub">kept in state.db</span>
          <span class="end">
            <a class="btn sm" href="/api/alerts/rules" download="vitrine-rules.yaml">
              Export all
            </a>
            {mayDo('editor') && id !== '' && (
              <button type="button" class="btn sm" onClick={() => setParams({ rule: undefined })}>
                New rule
              </button>
            )}
          </span>
        </div>
        <Loaded of={made} height={120} isEmpty={({ rules }) => rules.length === 0} empty={none}>
          {({ rules }) => rules.map((rule) => <Made key={rule.id} rule={rule} reload={reload} />)}
        </Loaded>
      </section>
      <RuleEditor key={id} rule={made.data?.rules.find((rule) => rule.id === id)} saved={reload} />
      <AllRules states={states} />
    </>
  );
}
