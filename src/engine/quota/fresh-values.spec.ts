import { FreshValues } from './fresh-values';

describe('FreshValues', () => {
  let loads: PromiseWithResolvers<{ readonly n: number }>[];
  let values: FreshValues<{ readonly n: number }>;

  beforeEach(() => {
    jest.useFakeTimers();
    loads = [];
    values = new FreshValues(() => {
      const load = Promise.withResolvers<{ readonly n: number }>();
      loads.push(load);
      return load.promise;
    });
  });

  afterEach(() => {
    jest.useRealTimers();
  });

  it('knows nothing of what was never loaded, and asks for nothing by itself', () => {
    expect(values.peek('k')).toBeUndefined();
    expect(loads).toHaveLength(0);
  });

  it('loads once for all who ask at the same time', async () => {
    const both = Promise.all([values.load('k'), values.load('k')]);
    loads[0]?.resolve({ n: 1 });
    expect(await both).toEqual([{ n: 1 }, { n: 1 }]);
    expect(loads).toHaveLength(1);
    expect(values.peek('k')).toEqual({ n: 1 });
  });

  it('renews what is asked for before it is too old', async () => {
    values.set('k', { n: 1 });
    jest.advanceTimersByTime(500);
    expect(values.peek('k')).toEqual({ n: 1 });
    expect(values.peek('k')).toEqual({ n: 1 });
    expect(loads).toHaveLength(1);
    loads[0]?.resolve({ n: 2 });
    await values.load('k');
    jest.advanceTimersByTime(900);
    expect(values.peek('k')).toEqual({ n: 2 });
  });

  it('says nothing that is too old, also when it could not be renewed', async () => {
    values.set('k', { n: 1 });
    jest.advanceTimersByTime(500);
    values.peek('k');
    loads[0]?.reject(new Error('away'));
    await values.load('k').catch(() => undefined);
    jest.advanceTimersByTime(501);
    expect(values.peek('k')).toBeUndefined();
    const load = values.load('k');
    loads.at(-1)?.reject(new Error('still away'));
    await expect(load).rejects.toThrow('still away');
  });

  it('counts the age of a value from when its load began', async () => {
    const load = values.load('k');
    jest.advanceTimersByTime(1_001);
    loads[0]?.resolve({ n: 1 });
    expect(await load).toEqual({ n: 1 });
    expect(values.peek('k')).toBeUndefined();
  });
});
