/** What tells the traces in a box of the duration chart from those outside it: attributes and calls, the strongest first. */
import type { JSX } from 'preact';
import type { CompareAnswer } from '../../monitor/api/records/contract.ts';
import { useResource } from '../state/api.ts';
import { termOf, withTerm } from '../state/filter-text.ts';
import { clockTime, digits, joined, millis, percent } from '../state/format.ts';
import { searchTimes } from '../state/range.ts';
import { address, param, setParams } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { boxText, type Box } from '../charts/data/box.ts';

type Found = CompareAnswer['attributes'][number];

const MOST = '8';

function Bars({ selection, baseline }: { selection: number; baseline: number }): JSX.Element {
  return (
    <span class="bars" aria-hidden="true">
      <i style={{ width: `${selection * 100}%` }} />
      <i class="rest" style={{ width: `${baseline * 100}%` }} />
    </span>
  );
}

function Row({ found }: { found: Found }): JSX.Element | null {
  const { name, kind, means } = found;
  // The value whose share grew most; an absent attribute is no value to filter by.
  const value = found.values[0];
  if (value === undefined) return null;
  if (kind === 'calls' && means !== null) {
    const most = Math.max(means.selection, means.baseline);
    return (
      <tr>
        <td class="mono">
          <span class="cut">
            <span class="muted">calls of</span> <Name of={name} most={60} />
          </span>
        </td>
        <td>
          <Bars selection={means.selection / most} baseline={means.baseline / most} />
        </td>
        <td class="num">
          <b>{digits(means.selection)}</b>
        </td>
        <td class="num">{digits(means.baseline)}</td>
      </tr>
    );
  }
  const isValue = value.value !== '(none)' && !/^≤|\.\./.test(value.value);
  const label = (
    <>
      <span class="muted">
        <Name of={name} most={40} />=
      </span>
      <Name of={value.value} most={40} />
    </>
  );
  return (
    <tr>
      <td class="mono">
        {isValue ? (
          <button
            type="button"
            class="cut"
            title="Only traces with this value"
            onClick={() => setParams({ q: withTerm(param('q'), termOf(name, value.value)), box: undefined })}
          >
            {label}
          </button>
        ) : (
          <span class="cut">{label}</span>
        )}
      </td>
      <td>
        <Bars selection={value.selection} baseline={value.baseline} />
      </td>
      <td class="num">
        <b>{joined(percent(value.selection))}</b>
      </td>
      <td class="num">{joined(percent(value.baseline))}</td>
    </tr>
  );
}

export function WhatDiffers({ box }: { box: Box }): JSX.Element {
  const question = { q: param('q'), ...searchTimes.value, box: boxText(box), limit: MOST };
  const compared = useResource<CompareAnswer>(address('/api/traces/compare', question));
  const { data } = compared;
  return (
    <section class="card c4 differs" aria-label="What differs">
      <div class="hd">
        <h2>What differs</h2>
        {data !== undefined && (
          <span class="sub">
            {digits(data.selection)} selected against the other {digits(data.baseline)}
          </span>
        )}
        <button type="button" class="btn sm ghost" onClick={() => setParams({ box: undefined })}>
          Clear box
        </button>
      </div>
      <Loaded
        of={compared}
        height={180}
        isEmpty={({ attributes }) => attributes.length === 0}
        empty={<Empty text="No attribute and no number of calls tells these traces from the others." />}
      >
        {({ attributes, complete }) => (
          <>
            <table>
              <thead>
                <tr>
                  <th scope="col">attribute</th>
                  <th scope="col" title="selected, the rest beneath">
                    share
                  </th>
                  <th scope="col" class="num">
                    selected
                  </th>
                  <th scope="col" class="num">
                    rest
                  </th>
                </tr>
              </thead>
              <tbody>
                {attributes.map((found) => (
                  <Row key={`${found.kind} ${found.name}`} found={found} />
                ))}
              </tbody>
            </table>
            <p class="foot">
              <span>
                {clockTime(box.fromMs, 'seconds')} to {clockTime(box.toMs, 'seconds')}, {millis(box.minMs)} to{' '}
                {millis(box.maxMs)}
              </span>
              {!complete && <span>of the newest traces; narrow the range for older ones</span>}
            </p>
          </>
        )}
      </Loaded>
    </section>
  );
}
