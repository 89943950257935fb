/** The query whose chart shows why an alert fires. */
import { quote } from '../../../../model/text/quoting.ts';
import { parse } from '../../../promql/syntax/parser.ts';
import { print } from '../../../promql/syntax/printer.ts';
import { figureOf } from '../../rules/figure.ts';
import type { AlertingSpec } from '../../rules/spec.ts';
import type { StoredAlert } from '../steps/intake.ts';

/**
 * The figure of the rule, for the series of the alert: those that agree in every label that the rule did not add. Charts then
 * draw the rule's limit beside it.
 */
export function alertFigure({ labels }: StoredAlert, spec: AlertingSpec): string {
  const added = new Set(['alertname', ...spec.labels.map(({ name }) => name)]);
  const own = [...labels].filter(([name]) => !added.has(name));
  const figure = print(figureOf(parse(spec.expr)));
  if (own.length === 0) return figure;
  const names = own.map(([name]) => (/^[a-zA-Z_]\w*$/.test(name) ? name : quote(name))).join(', ');
  // A vector with exactly these labels. `$` would name a group of the regular expression.
  const pin = own.reduce(
    (inner, [name, value]) =>
      `label_replace(${inner}, ${quote(name)}, ${quote(value.replaceAll('$', '$$$$'))}, "", "")`,
    'vector(1)',
  );
  return print(parse(`(${figure}) and on (${names}) ${pin}`));
}
