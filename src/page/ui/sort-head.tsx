/** The head of a column that sorts its table. The address holds the order, so a link shows the same. */
import type { JSX } from 'preact';
import { setParams } from '../state/router.ts';
import type { Order } from '../state/sorting.ts';
import { nextOrder, orderText } from '../state/sorting.ts';

interface SortHeadProps<C extends string> {
  readonly column: C;
  readonly title: string;
  readonly order: Order<C>;
  readonly isText?: boolean;
  /** The parameter of the address. */
  readonly param?: string;
  readonly className?: string;
}

export function SortHead<C extends string>(props: SortHeadProps<C>): JSX.Element {
  const { column, title, order, isText = false, param = 'sort', className = '' } = props;
  const current = order.column === column;
  const sort = current ? (order.descending ? 'descending' : 'ascending') : 'none';
  return (
    <th class={`${isText ? '' : 'num'} ${className}`} aria-sort={sort} scope="col">
      <button
        type="button"
        class="sort"
        onClick={() => setParams({ [param]: orderText(nextOrder(order, column, isText)) }, true)}
      >
        {title}
        <span aria-hidden="true">{current ? (order.descending ? ' ↓' : ' ↑') : ''}</span>
      </button>
    </th>
  );
}
