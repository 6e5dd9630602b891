import { effectivePolicy } from './effective-policy';

describe('effectivePolicy', () => {
  it('is empty without layers', () => {
    expect(effectivePolicy(undefined, null)).toEqual({ quota: {}, limits: {} });
  });

  it('takes each bound from the most particular layer that has it', () => {
    const plan = { quota: { bytes: { hard: 100, soft: 80 }, containers: 5 } };
    const tenant = { quota: { bytes: { hard: 200 } }, limits: { tenant: { requestsInFlight: 3 } } };
    expect(effectivePolicy(plan, tenant)).toEqual({
      quota: { bytes: { hard: 200, soft: 80 }, containers: 5 },
      limits: { tenant: { requestsInFlight: 3 } },
    });
  });

  it('lets null lift a bound', () => {
    const plan = { quota: { containers: 5 }, limits: { tenant: { requests: { read: { perSecond: 1, burst: 1 } } } } };
    const tenant = { quota: { containers: null }, limits: { tenant: { requests: { read: null } } } };
    expect(effectivePolicy(plan, tenant)).toEqual({
      quota: { containers: null },
      limits: { tenant: { requests: { read: null } } },
    });
  });
});
