/** What tests of several packages share. */
package io.arrowtensor.testing;
