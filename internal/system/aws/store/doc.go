// SPDX-License-Identifier: MPL-2.0

// Package store is the ledger in S3: what was declared, and which principals may be there for it. It asks IAM nothing;
// N is what its user keeps beside a page of what IAM has.
//
// An identity is one object, its page. So what is true of an identity changes by one write, which names the ETag that
// it was drafted from (If-Match, If-None-Match): of two who write at once one is refused, reads again, and drafts
// again. No two writings have one ETag, even where they say the same. A store that ignores these conditions is found
// out before the first write, and nothing is kept in it.
//
// A page is believed only where all in it follows from its identity: whoever writes one by hand can name no principal
// of another partner's. One that cannot be read is damaged, and gives nothing.
//
// A page names a principal before it is made, and until it was seen to be gone: whoever dies in between loses none.
//
// What has to outlive an identity stands beside the pages, an object for each: what was cut by hand, which releases
// were used, when a partner was rehearsed, and the floor, which whoever writes pages may not write.
//
// What was read serves for as long as the configuration says. What this process wrote is never taken back by an older
// listing, and what is known of a page's principals goes with each change of the page.
package store
