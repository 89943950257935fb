/** Line icons of 16 units and the status shapes of 14: shape and word show the state, colour only repeats it. */
import type { JSX } from 'preact';
import type { Status } from './status.ts';

const PATHS = {
  overview:
    'M2 3.2A1.2 1.2 0 0 1 3.200 2h2.600A1.200 1.200 0 0 1 7 3.200v4.100a1.200 1.200 0 0 1-1.200 1.200H3.200A1.200 1.200 0 0 1 2 7.300zM9 3.200A1.200 1.200 0 0 1 10.200 2h2.600A1.200 1.200 0 0 1 14 3.200v1.100a1.200 1.200 0 0 1-1.200 1.200h-2.600A1.200 1.200 0 0 1 9 4.300zM2 11.700a1.200 1.200 0 0 1 1.200-1.200h2.600A1.200 1.200 0 0 1 7 11.700v1.100A1.200 1.200 0 0 1 5.800 14H3.200A1.200 1.200 0 0 1 2 12.800zM9 8.700a1.200 1.200 0 0 1 1.200-1.200h2.600A1.200 1.200 0 0 1 14 8.700v4.100a1.200 1.200 0 0 1-1.200 1.200h-2.600A1.200 1.200 0 0 1 9 12.800z',
  traces: 'M2 3.500h9M4.500 8h7M8 12.500h6',
  alerts:
    'M8 2.200a4 4 0 0 0-4 4c0 3.400-1.500 4.600-1.500 5.300h11c0-.700-1.500-1.900-1.500-5.300a4 4 0 0 0-4-4zM6.600 13.700h2.800',
  metrics: 'M1.800 10.500l3-4.200 2.800 3 2.600-5.600 2 3.800 2-1.500M2 13.800h12',
  services: 'M2.500 3h11v4h-11zM2.500 9h11v4h-11zM5 5h.010M5 11h.010',
  traffic: 'M2 5h11M10 2l3 3-3 3M14 11H3M6 8l-3 3 3 3',
  settings:
    'M8 10.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400zM8 1.800v2M8 12.200v2M1.800 8h2M12.200 8h2M3.600 3.600l1.400 1.400M11 11l1.400 1.400M12.400 3.600L11 5M5 11l-1.400 1.400',
  search: 'M7 11.500a4.500 4.500 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM10.500 10.500L14 14',
  more: 'M3 8h.010M8 8h.010M13 8h.010',
  up: 'M4.500 9.500L8 6l3.500 3.500',
  check: 'M3 8.500l3.200 3.200L13 4.800',
  link: 'M6.500 9.500l3-3M7 4.500l1.500-1.500a3 3 0 0 1 4.500 4.500L11.500 9M9 11.500L7.500 13A3 3 0 0 1 3 8.500L4.500 7',
  clock: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 4.800V8l2.200 1.500',
  left: 'M9.500 4.500L6 8l3.500 3.500',
  last: 'M5 4.500L8.500 8 5 11.500M11 4.500v7',
  minus: 'M4 8h8',
  plus: 'M4 8h8M8 4v8',
  right: 'M6.500 4.500L10 8l-3.500 3.500',
  down: 'M4.500 6.500L8 10l3.500-3.500',
  pause: 'M6 4.500v7M10 4.500v7',
  play: 'M5.500 4l6 4-6 4z',
  theme: 'M13.500 8a5.500 5.500 0 1 1-11 0 5.500 5.500 0 0 1 11 0zM8 2.500v11M8 5h4.500M8 8h5.500M8 11h4.500',
  help: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM6.300 6.300A1.700 1.700 0 1 1 8.700 8c-.500.300-.700.600-.700 1.100M8 11.300h.010',
  table: 'M2 3.500h12v9H2zM2 6.500h12M2 9.500h12M6.500 3.500v9',
  chart: 'M2 2.500v11h12M4.500 10.500l3-3.500 2 2 4-5',
  close: 'M4.500 4.500l7 7M11.500 4.500l-7 7',
  formula:
    'M9.500 3.200c-1.500-.500-2.300.300-2.600 1.800l-1.300 7c-.200 1-.900 1.300-1.600 1M4.500 7h4M9.500 8.500l3.500 4M13 8.500l-3.500 4',
  dashboards: 'M2 2.500h5v5H2zM9 2.500h5v3H9zM9 7.500h5v6H9zM2 9.500h5v4H2z',
  copy: 'M7 5.500h5A1.500 1.500 0 0 1 13.500 7v5a1.500 1.500 0 0 1-1.500 1.500H7A1.500 1.500 0 0 1 5.500 12V7A1.500 1.500 0 0 1 7 5.500zM3.500 10.500h-.200a.800.800 0 0 1-.800-.800V3.300a.800.800 0 0 1 .800-.800h6.400a.800.800 0 0 1 .800.800v.200',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, small = false }: { name: IconName; small?: boolean }): JSX.Element {
  return (
    <svg class={small ? 'i s' : 'i'} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
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
    <svg class={`st st-${status}`} viewBox="0 0 14 14" role="img" aria-label={label ?? WORDS[status]}>
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
