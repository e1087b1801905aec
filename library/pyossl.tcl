# pyossl.tcl --
#
#	The script side of the package, sourced after the shared library is
#	loaded (not in safe interpreters). What is seldom needed is loaded at
#	its first use.

namespace eval ::pyossl {
    # The folder of the scripts.
    variable library [file dirname [file normalize [info script]]]
    namespace export socket import
}

# Both commands live in socket.tcl, which takes their place.
proc ::pyossl::socket {args} {
    variable library
    ::source -encoding utf-8 [file join $library socket.tcl]
    tailcall ::pyossl::socket {*}$args
}

proc ::pyossl::import {args} {
    variable library
    ::source -encoding utf-8 [file join $library socket.tcl]
    tailcall ::pyossl::import {*}$args
}
