/** Line icons, and the status shapes of 14 units: shape and word show the state, colour only repeats it. */
import type { JSX } from 'preact';
import type { IconName } from './icon-paths.ts';
import { ICON_PATHS } from './icon-paths.ts';
import type { Status } from './status.ts';

export function Icon({ name, small = false }: { name: IconName; small?: boolean }): JSX.Element {
  return (
    <svg class={small ? 'i s' : 'i'} viewBox="0 0 16 16" aria-hidden="true">
      <path d={ICON_PATHS[name]} />
    </svg>
  );
}

export function Logo(): JSX.Element {
  return (
    <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
      <rect x="1" y="1" width="18" height="18" rx="4.5" fill="none" stroke="currentColor" stroke-width="1.5" />
      <rect class="f-ph-queue" x="4.5" y="5" width="4" height="2.6" rx="1.3" />
      <rect class="f-ph-upstream" x="4.5" y="8.7" width="11" height="2.6" rx="1.3" />
      <rect class="f-ph-transfer" x="9.5" y="12.4" width="6" height="2.6" rx="1.3" />
    </svg>
  );
}

const WORDS: Readonly<Record<Status, string>> = {
  ok: 'Healthy',
  warn: 'Warning',
  crit: 'Critical',
  affected: 'Affected',
  unknown: 'No data',
};

export function StatusIcon({ status, label }: { status: Status; label?: string }): JSX.Element {
  return (
    <svg
      class={`st st-${status}`}
      viewBox="0 0 14 14"
      {...(label === '' ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label ?? WORDS[status] })}
    >
      {status === 'ok' && (
        <>
          <circle class="soft" cx="7" cy="7" r="6" />
          <path class="sign" d="M4.300 7.200l1.900 1.900 3.600-4" />
        </>
      )}
      {status === 'warn' && (
        <>
          <path class="mark" d="M7 1.200L13.300 12.300H.700z" />
          <path class="cut" d="M7 5.300v3M7 10.200v.100" />
        </>
      )}
      {status === 'crit' && (
        <>
          <path class="mark" d="M4.400.800h5.200l3.600 3.600v5.200l-3.600 3.600H4.400L.800 9.600V4.400z" />
          <path class="cut" d="M4.900 4.900l4.200 4.200M9.100 4.900L4.900 9.100" />
        </>
      )}
      {status === 'affected' && <path class="ring" d="M7 1.200L13.300 12.300H.700z" />}
      {status === 'unknown' && <circle class="ring dashed" cx="7" cy="7" r="5.500" />}
    </svg>
  );
}
