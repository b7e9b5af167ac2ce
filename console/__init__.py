"""
The console's page, its live feed and how both are served: for the sandbox and `connector console`.

======== =====================================================================
feed     what happened, in order, for everybody who looks
pages    what a browser can read: the page, `setting` and `feed`
page/    the page itself: HTML, CSS and modules, without a build
======== =====================================================================

`sandbox/console` fills the feed of a sandbox, and adds acts (`POST acts/…`);
`cli/connector_cli/console` fills that of a deployed stack, which can only be read: its `setting`
has `reads_only`, and the page then shows a search instead of the phone and the agent's desk.

The page takes from the feed, by `kind`:

- `hop`: `at` (seconds), `function`, `outcome`, `trace`, `conversation_id`, `details`
- `state`: `values`, each with `name`, `value` and `is` ("good" or "bad")
- of a sandbox also `sent`, `callback` and `conversation`; of a deployed stack `failing`
"""
