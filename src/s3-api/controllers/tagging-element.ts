import type { Tags } from '../headers/tags';
import type { XmlElement } from '../http/s3-response';
import { element, textElement } from './xml-elements';

/** `Tagging` of a bucket or an object, in key order. */
export function taggingElement(tags: Tags): XmlElement {
  const pairs = Object.keys(tags)
    .sort()
    .map((key) => element('Tag', [textElement('Key', key), textElement('Value', tags[key])]));
  return element('Tagging', [element('TagSet', pairs)]);
}
