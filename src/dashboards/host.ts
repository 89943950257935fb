/** The machine: processors, memory, disks and network, by the semantic conventions, so that hosts observed by a Collector appear beside Vitrine's. */
import type { Dashboard } from './panel.ts';
import { rateOf } from './queries.ts';

const NETWORK = 'instance, network_interface_name, network_io_direction';
const DISK = 'instance, system_device, disk_io_direction';

export const host: Dashboard = {
  id: 'vitrine-host',
  title: 'Vitrine host',
  description: 'Processors, load, memory, swap, file systems, disks and network of each machine.',
  panels: [
    {
      id: 'host-cpu',
      title: 'Processors',
      subtitle: 'of all, by mode without idle',
      unit: 'ratio',
      kind: 'stacked',
      queries: [
        {
          expr: 'sum by (instance, cpu_mode) (system_cpu_utilization_ratio{cpu_mode!="idle"})',
          legend: '{{cpu_mode}} {{instance}}',
        },
      ],
      width: 6,
    },
    {
      id: 'host-load',
      title: 'Load per processor',
      subtitle: 'threads that run or wait, 1 minute',
      unit: 'count',
      kind: 'timeseries',
      queries: [
        {
          expr: 'sum by (instance) (system_cpu_load_average_1m) / sum by (instance) (system_cpu_logical_count)',
          legend: '{{instance}}',
        },
      ],
      width: 6,
    },
    {
      id: 'host-memory',
      title: 'Memory',
      subtitle: 'by state',
      unit: 'bytes',
      kind: 'stacked',
      queries: [
        {
          expr: 'sum by (instance, system_memory_state) (system_memory_usage_bytes)',
          legend: '{{system_memory_state}} {{instance}}',
        },
      ],
      width: 6,
    },
    {
      id: 'host-swap',
      title: 'Swap in use',
      subtitle: '',
      unit: 'bytes',
      kind: 'timeseries',
      queries: [
        {
          expr: 'sum by (instance) (system_paging_usage_bytes{system_paging_state="used"})',
          legend: '{{instance}}',
        },
      ],
      width: 6,
    },
    {
      id: 'host-file-systems',
      title: 'File systems',
      subtitle: 'used',
      unit: 'ratio',
      kind: 'timeseries',
      queries: [
        {
          expr: 'max by (instance, system_filesystem_mountpoint) (system_filesystem_utilization_ratio{system_filesystem_state="used"})',
          legend: '{{system_filesystem_mountpoint}} {{instance}}',
        },
      ],
      threshold: { rule: 'FileSystemFillsUp', above: 0.9 },
      width: 6,
    },
    {
      id: 'host-disks',
      title: 'Disks',
      subtitle: 'by direction',
      unit: 'bytes_per_second',
      kind: 'timeseries',
      queries: [
        {
          expr: rateOf('system_disk_io_bytes_total', DISK),
          legend: '{{system_device}} {{disk_io_direction}} {{instance}}',
        },
      ],
      width: 6,
    },
    {
      id: 'host-network',
      title: 'Network',
      subtitle: 'by direction',
      unit: 'bytes_per_second',
      kind: 'timeseries',
      queries: [
        {
          expr: rateOf('system_network_io_bytes_total', NETWORK),
          legend: '{{network_interface_name}} {{network_io_direction}} {{instance}}',
        },
      ],
      width: 6,
    },
    {
      id: 'host-network-errors',
      title: 'Network errors and drops',
      subtitle: '',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [
        { expr: rateOf('system_network_errors_total', 'instance'), legend: 'errors {{instance}}' },
        { expr: rateOf('system_network_packet_dropped_total', 'instance'), legend: 'dropped {{instance}}' },
      ],
      width: 6,
    },
  ],
};
