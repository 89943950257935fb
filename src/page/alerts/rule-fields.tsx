/** The fields of a rule, filled with those of the rule to change. */
import type { JSX } from 'preact';
import type { RuleView } from '../../monitor/api/alerts/rule-contract.ts';
import { METRICS } from './rule-form.ts';

interface FieldsProps {
  readonly rule: RuleView | undefined;
  readonly kind: string;
}

function PromqlField({ expr = '' }: { expr: string | undefined }): JSX.Element {
  return (
    <label class="grow">
      PromQL
      <input
        class="mono"
        name="expr"
        required
        defaultValue={expr}
        placeholder="sum(rate(errors_total[1m])) > 5"
        spellcheck={false}
        autocomplete="off"
      />
    </label>
  );
}

function SimpleFields({ rule }: { rule: RuleView | undefined }): JSX.Element {
  const limit = rule?.above ?? rule?.below ?? '';
  return (
    <>
      <label>
        Figure
        <select name="metric">
          {METRICS.map((one) => (
            <option key={one} value={one} selected={one === rule?.metric}>
              {one.replaceAll('_', ' ')}
            </option>
          ))}
        </select>
      </label>
      <label>
        Is
        <select name="side">
          <option value="above">above</option>
          <option value="below" selected={rule?.below !== undefined}>
            below
          </option>
        </select>
      </label>
      <label>
        Limit
        <input name="limit" required defaultValue={String(limit)} placeholder="200ms, 10%" autocomplete="off" />
      </label>
      <label>
        Until
        <input name="recover" defaultValue={String(rule?.recover ?? '')} placeholder="the limit" autocomplete="off" />
      </label>
      <label>
        Over
        <input name="over" defaultValue={rule?.over ?? ''} placeholder="1m" autocomplete="off" />
      </label>
    </>
  );
}

export function RuleFields({ rule, kind }: FieldsProps): JSX.Element {
  return (
    <>
      <input type="hidden" name="kind" value={kind} />
      <label>
        Name
        <input
          name="name"
          required
          pattern="[a-zA-Z_][a-zA-Z0-9_]*"
          defaultValue={rule?.name ?? ''}
          placeholder="SlowCheckout"
          autocomplete="off"
        />
      </label>
      {kind === 'promql' ? <PromqlField expr={rule?.expr} /> : <SimpleFields rule={rule} />}
      <label>
        For
        <input name="for" defaultValue={String(rule?.for ?? '')} placeholder="0s" autocomplete="off" />
      </label>
      <label>
        Severity
        <select name="severity">
          {['info', 'warning', 'critical'].map((one) => (
            <option key={one} value={one} selected={one === (rule?.severity ?? 'warning')}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label class="grow">
        Summary
        <input
          name="summary"
          defaultValue={rule?.annotations['summary'] ?? ''}
          placeholder="what people read; made from the condition without it"
          autocomplete="off"
        />
      </label>
      <label class="check">
        <input type="checkbox" name="trial" defaultChecked={rule?.trial === true} /> On trial: nobody is told
      </label>
      <label class="check">
        <input type="checkbox" name="draft" defaultChecked={rule?.draft === true} /> Draft: not judged
      </label>
      <button type="submit" class="btn primary">
        {rule === undefined ? 'Make the rule' : 'Save'}
      </button>
    </>
  );
}
