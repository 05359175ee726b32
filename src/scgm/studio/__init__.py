"""The studio: a page in the browser to look at images, segment, correct, rate and learn.

The page is built from the folder ``studio`` of the repository (TypeScript) to ``static`` in this
package. A local server (`server`) gives it the methods of this package; `site` exports the same
page with the models, which then run in the browser.
"""
