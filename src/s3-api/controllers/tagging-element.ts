import type { Tags } from '../headers/tags';
import type { XmlElement } from '../http/s3-response';
import { element, textElement } from './xml-elements';

/** `Tagging` of a bucket or an object. */
export function taggingElement(tags: Tags): XmlElement {
  const pairs = Object.entries(tags).map(([key, value]) =>
    element('Tag', [textElement('Key', key), textElement('Value', value)]),
  );
  return element('Tagging', [element('TagSet', pairs)]);
}
