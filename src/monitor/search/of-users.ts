/**
 * Users' requests: all but those that synthetic checks made. A filter that speaks of the field `synthetic` decides by itself:
 * `synthetic:true` shows the checks, and `(synthetic:true OR NOT synthetic:true)` all requests. A filter for the id of a request
 * means that request, whoever made it.
 */
import type { Condition, Filter } from './filter.ts';
import { needsOf } from './plan.ts';
import { fieldsIn } from './syntax.ts';

const NOT_SYNTHETIC: Condition = {
  kind: 'not',
  part: { kind: 'field', field: 'synthetic', test: { kind: 'equal', text: 'true', folded: false } },
};
const DECIDING = ['synthetic', 'trace', 'code', 'request.id'];

export function ofUsers(filter: Filter): Filter {
  const fields = fieldsIn(filter.syntax);
  if (DECIDING.some((field) => fields.has(field)) || needsOf(filter).ids.length > 0) return filter;
  return { ...filter, condition: { kind: 'and', parts: [filter.condition, NOT_SYNTHETIC] } };
}
