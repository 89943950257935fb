import { describe, expect, it } from 'vitest';
import { parse } from '../../../src/monitor/promql/syntax/parser.ts';
import { serviceQueries, workPanels } from '../../../src/page/services/service-queries.ts';

const row = (name: string) => ({ labels: { __name__: name }, value: 1 });

describe('the panels of authentication, connections and refusals', () => {
  it('are those whose metric the service has', () => {
    const present = [row('vitrine_server_rate_limit_refusals_total'), row('db_client_connection_count'), row('up')];
    expect(workPanels('shop', present).map(({ id }) => id)).toEqual(['service-pool', 'service-limited']);
    expect(workPanels('shop', [])).toEqual([]);
  });

  it('ask for the one service in PromQL that parses, whatever its name', () => {
    const name = 'a "quoted"} service';
    const present = ['vitrine_server_auth_duration_seconds_count', 'db_client_connection_count'].map(row);
    const exprs = workPanels(name, present).flatMap(({ queries }) => queries.map(({ expr }) => expr));
    exprs.push(serviceQueries(name, '15m').work);
    expect(exprs).toHaveLength(5);
    for (const expr of exprs) {
      expect(() => parse(expr)).not.toThrow();
      expect(expr).toContain(`job=${JSON.stringify(name)}`);
    }
  });
});
