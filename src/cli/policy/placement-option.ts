import type { CommandOptions } from '../command';
import type { CommandInput } from '../command-input';
import { boundOf } from './bound';
import type { PolicyChange } from './policy-change';

/** Option of {@link placementChanges}. */
export const PLACEMENT_OPTION: CommandOptions = {
  placement: { value: 'PLACEMENT', summary: 'of what is written to containers that have none of their own' },
};

/** What the option says of a policy: `none` is the default placement, `inherit` what the layer below says. */
export function placementChanges(input: CommandInput): PolicyChange[] {
  const placement = input.parsedBy('placement', (text) => boundOf(text, (name) => name));
  return placement === undefined ? [] : [{ path: ['placement'], value: placement.value }];
}
