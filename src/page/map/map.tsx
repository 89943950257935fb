/** Who calls whom, of the spans that a filter selects: one version, one route, one user. The address holds the filter. */
import type { JSX } from 'preact';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { MapCard, useCalls } from '../services/service-map.tsx';
import { useResource } from '../state/api.ts';
import { param } from '../state/router.ts';
import { FilterBar, filterErrorOf } from '../ui/filter-bar.tsx';

export function MapPage(): JSX.Element {
  const services = useResource<ServicesAnswer>('/api/services');
  const map = useCalls(param('q'));
  const wrong = filterErrorOf(map.error);
  return (
    <>
      <h1 class="page-title c12">Map</h1>
      <FilterBar of="spans" example="service:checkout version:1.4.2" error={wrong} />
      {wrong === undefined && <MapCard services={services.data?.services ?? []} map={map} filter={param('q')} />}
    </>
  );
}
