# spawn.tcl --
#
#	The command spawn: it finds the file for the kind of endpoint.
#
#	    kind        types            file
#	    client      tls              tls.tcl
#	    server      listener, tls    tls.tcl
#	    pair        tls, tls         tls.tcl
#	    raw         raw, listener    raw.tcl
#	    program     program          program.tcl
#	    conn        conn             conn.tcl
#
#	A type is a namespace with the functions by which the commands reach
#	its endpoints:
#	    Input id bytes, End id how	from the transport
#	    Connected id, Unconnected id message code
#	    Data id bytes		send of plaintext
#	    Alert id level description, Shutdown id
#	    Settle id seconds		before exp_close, what is still to go out
#	    Close id			exp_close
#	    Facts id key		what endpoint tells
#	    Wait id nowait		programs only

namespace eval ::pyossl::expect {
    # The words of the spawn under way, for the log.
    variable spawnWords {}
}

# spawn ?-noecho? kind ?arg ...? --
#	Opens an endpoint, which becomes the one that commands without -i mean.
# Arguments:
#	client HOST PORT ?-option value ...?
#		A TLS client. Options as for pyossl::socket. Nothing is verified
#		unless an option is about that. -handshake manual: the
#		connection begins in the clear, and TLS with the command
#		handshake. -async 1: does not wait for the connection.
#	server ?-port 0? ?-option value ...?
#		A listening TLS server, on 127.0.0.1 unless -myaddr says
#		otherwise. Without a certificate it makes one (-keytype EC, RSA
#		or ED25519).
#	pair ?-client {option value ...}? ?-server {option value ...}?
#		A client and a server in this process with nothing between.
#	program COMMAND ?arg ...?
#		A program on pipes; %port% in an argument becomes a free port.
#	raw HOST PORT, raw -listen ?-port 0?
#		The bare record layer.
#	conn CONN
#		A connection made by hand; it belongs to the endpoint then.
#	All take -encoding NAME for their text, a pair for each side among its
#	options; the default is binary, for programs the system's.
# Results:
#	The id; of a pair {clientId serverId}. Sets spawn_id in the caller, for
#	a pair to that of the client.
# Errors:
#	PYOSSL SSL SysCallError for what the network refuses, TCL LOOKUP INDEX
#	for a kind or option there is not, PYOSSL EXPECT VALUE for a port that
#	is none, and as for pyossl::socket.
# Source:
#	spawn of expect(1)
proc ::pyossl::expect::spawn {args} {
    variable spawnWords
    set words $args
    set spawnWords [Public $words]
    set echo 1
    if {[lindex $args 0] eq "-noecho"} {
	set echo 0
	set args [lrange $args 1 end]
    }
    if {[llength $args] == 0} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"spawn ?-noecho? kind ?arg ...?\""
    }
    set args [lassign $args kind]
    switch -- $kind {
	client { set ids [tls::SpawnClient $args] }
	server { set ids [tls::SpawnServer $args] }
	pair { set ids [tls::SpawnPair $args] }
	raw { set ids [raw::spawn $args] }
	program { set ids [program::spawn $args] }
	conn { set ids [conn::spawn $args] }
	default {
	    return -code error -errorcode \
		[list TCL LOOKUP INDEX kind $kind] "bad kind \"$kind\":\
		must be client, server, pair, raw, program, or conn"
	}
    }
    if {$echo} {
	set line "spawn $spawnWords\r\n"
	Show $line [Bytes utf-8 $line]
    }
    upvar 1 spawn_id spawn_id
    set spawn_id [lindex $ids 0]
    return $ids
}

# The words of a spawn without the secrets among them, for all to see.
proc ::pyossl::expect::Public {words} {
    set public {}
    set previous ""
    foreach word $words {
	if {$previous in {-session -password -key}} {
	    set word ...
	} elseif {$previous in {-client -server} && ![catch {Public $word} inner]} {
	    # The options of a pair.
	    set word $inner
	}
	lappend public $word
	set previous $word
    }
    return $public
}

# SpawnOptions kind words --
#	Takes the harness's own options out of the words.
# Results:
#	{options rest}
proc ::pyossl::expect::SpawnOptions {words names} {
    set own {}
    set rest {}
    while {[llength $words]} {
	set words [lassign $words word]
	if {$word in $names} {
	    if {[llength $words] == 0} {
		return -code error -level 2 -errorcode {TCL WRONGARGS} \
		    "\"$word\" option must be followed by value"
	    }
	    set words [lassign $words value]
	    dict set own $word $value
	} else {
	    lappend rest $word
	    # The value of an option of somebody else's is no option.
	    if {[string match -* $word] && [llength $words]} {
		set words [lassign $words value]
		lappend rest $value
	    }
	}
    }
    if {[dict exists $own -handshake]
	    && [dict get $own -handshake] ni {auto manual}} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE [dict get $own -handshake]] \
	    "-handshake must be auto or manual,\
	    not \"[dict get $own -handshake]\""
    }
    if {[dict exists $own -encoding]} {
	set name [dict get $own -encoding]
	if {$name ne "binary" && $name ni [encoding names]} {
	    return -code error -level 2 -errorcode \
		[list PYOSSL EXPECT VALUE $name] "unknown encoding \"$name\""
	}
    }
    return [list $own $rest]
}

# Received id bytes ?wire? --
#	Plaintext has come: it is shown, and waits for the next expect.
# Arguments:
#	wire	1 if it was on the wire as it is
proc ::pyossl::expect::Received {id bytes {wire 0}} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(encoding)] || $e(encoding) eq "binary"} {
	set text $bytes
    } else {
	set text [Decoded $id $bytes]
    }
    append e(unread) $text
    Show $text $bytes
    set event [dict create kind data from peer bytes $bytes]
    if {$wire} {
	dict set event wire 1
    }
    event::add $id $event
}

# ReceivedAll id --
#	Nothing more comes: what has waited for the rest of a character is text as
#	it stands.
proc ::pyossl::expect::ReceivedAll {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set text ""
    if {[info exists e(halfchar)]} {
	set text [Characters $e(encoding) $e(halfchar)]
	unset e(halfchar)
    }
    if {[info exists e(decoder)]} {
	append text [decoder::Close $e(decoder)]
	unset e(decoder)
    }
    if {$text ne ""} {
	append e(unread) $text
	Show $text ""
    }
}

# Bytes as characters; the beginning of one that is not complete waits.
proc ::pyossl::expect::Decoded {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(encoding) ne "utf-8"} {
	if {![info exists e(decoder)]} {
	    set e(decoder) [decoder::Open $e(encoding)]
	}
	return [decoder::Read $e(decoder) $bytes]
    }
    # Here the beginning can be told by itself, which is fast.
    if {[info exists e(halfchar)]} {
	set bytes $e(halfchar)$bytes
	unset e(halfchar)
    }
    foreach {lead length} {[\xc0-\xdf] 2 [\xe0-\xef] 3 [\xf0-\xf7] 4} {
	if {[regexp -indices "$lead\[\\x80-\\xbf]*\$" $bytes range]
		&& [string length $bytes] - [lindex $range 0] < $length} {
	    set e(halfchar) [string range $bytes [lindex $range 0] end]
	    set bytes [string range $bytes 0 [lindex $range 0]-1]
	    break
	}
    }
    return [Characters utf-8 $bytes]
}

# Bytes as characters. Tcl 8.6 takes what is no text as it can; Tcl 9 has to be
# told so.
proc ::pyossl::expect::Characters {encoding bytes} {
    if {[package vsatisfies [package provide Tcl] 9.0-]} {
	return [encoding convertfrom -profile replace $encoding $bytes]
    }
    return [encoding convertfrom $encoding $bytes]
}

# A decoder: bytes that come piecemeal as characters. How long a character is,
# and what the ones before it mean for it, only the encoding knows, and Tcl asks
# it so only for a channel. This one reads what it is given.
namespace eval ::pyossl::expect::decoder {
    variable given	;# array: channel -> bytes that it has not read yet
    array set given {}
}

proc ::pyossl::expect::decoder::Open {encoding} {
    set channel [chan create read ::pyossl::expect::decoder::Channel]
    chan configure $channel -blocking 0 -translation lf -eofchar {} \
	-encoding $encoding -buffersize 65536
    if {[package vsatisfies [package provide Tcl] 9.0-]} {
	chan configure $channel -profile replace
    }
    return $channel
}

# The characters that are complete with these bytes.
proc ::pyossl::expect::decoder::Read {channel bytes} {
    variable given
    append given($channel) $bytes
    return [read $channel]
}

# The end: the bytes of what was not complete. Those that stand for nothing, by
# which text goes back to ASCII, are complete.
proc ::pyossl::expect::decoder::Close {channel} {
    set encoding [chan configure $channel -encoding]
    chan configure $channel -encoding iso8859-1
    set rest [read $channel]
    close $channel
    if {[::pyossl::expect::Characters $encoding \
	    $rest[::pyossl::expect::Bytes $encoding A]] eq "A"} {
	return ""
    }
    return $rest
}

# The channel's side, see refchan(n).
proc ::pyossl::expect::decoder::Channel {method channel args} {
    variable given
    switch -- $method {
	initialize {
	    set given($channel) ""
	    return {initialize finalize watch blocking read}
	}
	finalize {
	    unset given($channel)
	}
	read {
	    if {$given($channel) eq ""} {
		# Nothing there now, which is not the end.
		return -code error EAGAIN
	    }
	    set count [lindex $args 0]
	    set bytes [string range $given($channel) 0 $count-1]
	    set given($channel) [string range $given($channel) $count end]
	    return $bytes
	}
    }
}

# Bytes encoding text --
#	Text as bytes, with a question mark for what the encoding has not: so does
#	Tcl 8.6 by itself, and Tcl 9 when it is told to.
proc ::pyossl::expect::Bytes {encoding text} {
    if {[package vsatisfies [package provide Tcl] 9.0-]} {
	return [encoding convertto -profile tcl8 $encoding $text]
    }
    return [encoding convertto $encoding $text]
}

# Encoded id text --
#	Text to send as bytes.
# Errors:
#	PYOSSL EXPECT VALUE for a character that is no byte, without -encoding.
proc ::pyossl::expect::Encoded {id text} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(encoding)] && $e(encoding) ne "binary"} {
	return [Bytes $e(encoding) $text]
    }
    if {[regexp {[^\u0000-\u00ff]} $text]} {
	return -code error -level 2 -errorcode {PYOSSL EXPECT VALUE data} \
	    "a character above U+00FF cannot be sent as a byte:\
	    encode the text, or spawn with -encoding"
    }
    return $text
}
