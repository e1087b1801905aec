# tlsnames.tcl --
#
#	The commands of the package tls, by pyossl, for software that calls
#	these and that one does not want to change, such as the mail and
#	directory clients of tcllib. Copy it, and source it before that
#	software is loaded; its "package require tls" is content then.
#
#	    source tlsnames.tcl
#	    tls::init -servername mail.example.com
#	    package require smtp
#
#	tls::init keeps options for what follows, as it does there. The
#	defaults are those of pyossl: servers are verified. tls::import cannot
#	know whom it talks to, so that the name to check comes from tls::init.

package require Tcl 8.6-
package require pyossl

if {[package provide tls] ne ""} {
    error "tlsnames.tcl: the package tls itself is loaded already"
}

namespace eval tls {
    variable defaults {}

    proc init {args} {
	variable defaults
	set defaults $args
	return
    }

    # Options come first, so that those of the call win.
    proc socket {args} {
	variable defaults
	uplevel 1 [list pyossl::socket {*}$defaults {*}$args]
    }
    proc import {channel args} {
	variable defaults
	uplevel 1 [list pyossl::import $channel {*}$defaults {*}$args]
    }

    foreach name {handshake status unimport ciphers protocols version} {
	interp alias {} ::tls::$name {} ::pyossl::$name
    }
    unset name
}
package provide tls 1.7.22
