import { serverArguments } from './postgres-settings';

describe('serverArguments', () => {
  const connections = (workers: number): number => {
    const setting = serverArguments('/data/postgres', { kind: 'tcp', port: 1 }, workers).find((argument) =>
      argument.startsWith('max_connections='),
    );
    return Number(setting?.split('=')[1]);
  };

  it('has 200 connections, and more where the workers need them', () => {
    expect([1, 10, 11, 64].map(connections)).toEqual([200, 200, 216, 1064]);
  });
});
