# pcapng.tcl --
#
#	Transcripts as a capture file: the records that went over the wire in
#	made-up TCP/IP packets, with the TLS secrets that decrypt them.  Wireshark
#	and tshark open it and show the plaintext.
#
#	    Section Header | Interface | Decryption Secrets | Packet ...
#
#	Sources: draft-ietf-opsawg-pcapng (blocks and options), RFC 791 (IP), RFC
#	9293 (TCP), RFC 1071 (checksums).

namespace eval ::pyossl::expect::pcapng {
    # The most bytes of one packet's payload: an Ethernet segment's.
    variable segment 1460
}

# pcapng::capture events about --
#	The capture file, bytes.  Each conversation becomes one TCP connection;
#	of two ends that are both known, the client's view is taken.
proc ::pyossl::expect::pcapng::capture {events about} {
    set result [sectionHeader][interface]
    set secrets {}
    set packets {}
    foreach conversation [::pyossl::expect::ladder::conversations $about] {
	dict with conversation {}
	set id [expr {$left ne "" ? $left : $right}]
	set own [lmap event $events {
	    if {[dict get $event id] ni [list $left $right]} {
		continue
	    }
	    set event
	}]
	foreach event $own {
	    if {[dict get $event kind] eq "secret"} {
		lappend secrets [string trim [dict get $event line]]
	    }
	}
	lappend packets {*}[connection $id $own [dict get $about $id] \
		[llength $packets]]
    }
    if {[llength $secrets]} {
	append result [secretsBlock [lsort -unique $secrets]]
    }
    foreach packet [lsort -integer -index 0 $packets] {
	append result [packetBlock {*}$packet]
    }
    return $result
}

#------------------------------------------------------------------------
# Blocks
#------------------------------------------------------------------------

# A block: type, length, body filled up to 32 bits, length again.  All numbers
# are little-endian, as the section header's magic says.
proc ::pyossl::expect::pcapng::block {type body} {
    append body [pad $body]
    set length [expr {[string length $body] + 12}]
    return [binary format iia*i $type $length $body $length]
}

proc ::pyossl::expect::pcapng::pad {bytes} {
    return [string repeat \0 [expr {-[string length $bytes] & 3}]]
}

proc ::pyossl::expect::pcapng::option {code value} {
    return [binary format ssa* $code [string length $value] $value[pad $value]]
}

proc ::pyossl::expect::pcapng::sectionHeader {} {
    set options [option 4 "pyossl::expect"]	;# shb_userappl
    append options [binary format ss 0 0]
    return [block 0x0a0d0d0a [binary format issw 0x1a2b3c4d 1 0 -1]$options]
}

# The one interface: link type 101, packets that begin with their IP header.
# The time resolution is the default, microseconds.
proc ::pyossl::expect::pcapng::interface {} {
    set options [option 2 tls][binary format ss 0 0]	;# if_name
    return [block 1 [binary format ssi 101 0 0]$options]
}

# The secrets, a key log file (type "TLSK").
proc ::pyossl::expect::pcapng::secretsBlock {lines} {
    set log [join $lines \n]\n
    return [block 10 [binary format iia* 0x544c534b [string length $log] $log]]
}

# A packet with its time in microseconds since 1970.
proc ::pyossl::expect::pcapng::packetBlock {time packet {comment ""}} {
    set options ""
    if {$comment ne ""} {
	set options [option 1 [encoding convertto utf-8 $comment]]
	append options [binary format ss 0 0]
    }
    set length [string length $packet]
    return [block 6 [binary format iiiii 0 [expr {$time >> 32}] \
	    [expr {$time & 0xffffffff}] $length $length]$packet[pad \
	    $packet]$options]
}

#------------------------------------------------------------------------
# One connection
#------------------------------------------------------------------------

# pcapng::connection id events known serial --
#	The packets of one TCP connection as {time packet ?comment?} lists: the
#	opening, what went over the wire, the end.
proc ::pyossl::expect::pcapng::connection {id events known serial} {
    set pieces [onWire [lmap event $events {
	if {[dict get $event id] ne $id} {
	    continue
	}
	set event
    }]]
    # Of a connection made by hand only the heads of records are known.
    if {[::pyossl::expect::transcript::get $known kind] eq "conn"
	    || ![llength $pieces] || [dict get [lindex $pieces 0] kind] ne "bytes"} {
	return {}
    }
    set base [expr {[dict exists $known started] ? [dict get $known started] : 0}]
    set flow [addresses $known $serial]
    set time [expr {$base + [dict get [lindex $pieces 0] time]}]
    set packets {}
    foreach {from flags} {client S server SA client A} {
	lappend packets [list $time [segment flow $from $flags ""]]
    }
    foreach piece $pieces {
	set time [expr {$base + [dict get $piece time]}]
	set from [dict get $flow [dict get $piece from]]
	switch -- [dict get $piece kind] {
	    bytes {
		foreach part [cut [dict get $piece bytes]] {
		    lappend packets [list $time [segment flow $from PA $part]]
		}
	    }
	    fin {
		lappend packets [list $time [segment flow $from FA ""]]
		set other [expr {$from eq "client" ? "server" : "client"}]
		lappend packets [list $time [segment flow $other A ""]]
	    }
	    rst {
		lappend packets [list $time [segment flow $from R ""]]
	    }
	}
    }
    return $packets
}

# pcapng::onWire events --
#	What the transport carried: a list of dicts with the keys time, from (self
#	or peer), kind (bytes, fin, rst) and bytes.  Each direction ends once, and
#	behind all that went over it.
proc ::pyossl::expect::pcapng::onWire {events} {
    set pieces {}
    set ends {}
    foreach event $events {
	set from [::pyossl::expect::transcript::get $event from]
	set piece [dict create time [dict get $event time] kind bytes \
		from [expr {$from eq "self" ? "self" : "peer"}]]
	switch -- [dict get $event kind] {
	    record {
		dict set piece bytes [recordBytes $event]
		lappend pieces $piece
	    }
	    bytes - data {
		# Plaintext is in the records, unless there were none.
		if {[dict get $event kind] eq "bytes"
			|| [dict exists $event wire]} {
		    dict set piece bytes [dict get $event bytes]
		    lappend pieces $piece
		}
	    }
	    closed {
		dict set piece kind [expr {[dict get $event how] eq "reset"
			? "rst" : "fin"}]
		if {![dict exists $ends [dict get $piece from]]} {
		    dict set ends [dict get $piece from] $piece
		}
	    }
	}
    }
    set last 0
    foreach piece $pieces {
	set last [dict get $piece time]
    }
    foreach piece [dict values $ends] {
	dict set piece time [expr {max($last, [dict get $piece time])}]
	lappend pieces $piece
    }
    return $pieces
}

# A record as it was on the wire.  Its length field may lie, on purpose.
proc ::pyossl::expect::pcapng::recordBytes {event} {
    set numbers {change_cipher_spec 20 alert 21 handshake 22 application_data 23
	heartbeat 24}
    set type [dict get $event type]
    if {[dict exists $numbers $type]} {
	set type [dict get $numbers $type]
    }
    set versions {SSLv3 0x300 TLSv1 0x301 TLSv1.0 0x301 TLSv1.1 0x302
	TLSv1.2 0x303 TLSv1.3 0x304}
    set version [dict get $event version]
    if {[dict exists $versions $version]} {
	set version [dict get $versions $version]
    }
    return [binary format cSSa* $type $version [dict get $event length] \
	    [dict get $event fragment]]
}

proc ::pyossl::expect::pcapng::cut {bytes} {
    variable segment
    set parts {}
    for {set i 0} {$i < [string length $bytes]} {incr i $segment} {
	lappend parts [string range $bytes $i [expr {$i + $segment - 1}]]
    }
    return $parts
}

# The two ends of a connection and where their sequence numbers are.
proc ::pyossl::expect::pcapng::addresses {known serial} {
    set server [::pyossl::expect::ladder::isServer $known]
    set self [expr {$server ? "server" : "client"}]
    set peer [expr {$server ? "client" : "server"}]
    # A pair has no ports, and is given some; 443 is where all tools look for
    # TLS, and what tells connections apart is the client's.
    set ports [dict create client [expr {49152 + $serial % 16000}] server 443]
    set hosts {client 127.0.0.1 server 127.0.0.1}
    foreach {end key} [list $self local $peer peer] {
	lassign [::pyossl::expect::transcript::get $known $key] host port
	if {[string is integer -strict $port] && $port > 0} {
	    dict set ports $end $port
	}
	if {[llength [split $host .]] == 4 && [regexp {^[0-9.]+$} $host]} {
	    dict set hosts $end $host
	}
    }
    return [dict create self $self peer $peer \
	    clientPort [dict get $ports client] serverPort [dict get $ports server] \
	    clientHost [dict get $hosts client] serverHost [dict get $hosts server] \
	    clientNext 1000 serverNext 2000 number 0]
}

# pcapng::segment flowVar from flags payload --
#	One TCP segment in an IPv4 packet; the flow's sequence numbers go on.
proc ::pyossl::expect::pcapng::segment {flowVar from flags payload} {
    upvar 1 $flowVar flow
    set to [expr {$from eq "client" ? "server" : "client"}]
    set bits 0
    foreach {letter bit} {F 1 S 2 R 4 P 8 A 16} {
	if {[string first $letter $flags] >= 0} {
	    incr bits $bit
	}
    }
    set sequence [dict get $flow ${from}Next]
    set acknowledged [expr {$bits & 16 ? [dict get $flow ${to}Next] : 0}]
    # SYN and FIN take a number each.
    set taken [expr {[string length $payload] + (($bits & 3) != 0)}]
    dict set flow ${from}Next [expr {($sequence + $taken) & 0xffffffff}]

    set source [ipBytes [dict get $flow ${from}Host]]
    set target [ipBytes [dict get $flow ${to}Host]]
    set ports [binary format SS [dict get $flow ${from}Port] \
	    [dict get $flow ${to}Port]]
    set head [binary format a4IIccS $ports $sequence $acknowledged 0x50 $bits 65535]
    set length [expr {20 + [string length $payload]}]
    set pseudo [binary format a4a4SS $source $target 6 $length]
    set sum [checksum $pseudo$head[binary format I 0]$payload]
    set tcp $head[binary format SS $sum 0]$payload

    set number [dict incr flow number; dict get $flow number]
    set begin [binary format ccSSSccx2a4a4 0x45 0 [expr {$length + 20}] $number \
	    0x4000 64 6 $source $target]
    set sum [checksum $begin]
    return [string replace $begin 10 11 [binary format S $sum]]$tcp
}

proc ::pyossl::expect::pcapng::ipBytes {host} {
    return [binary format c4 [split $host .]]
}

# The internet checksum: the complement of the one's complement sum of 16-bit
# words.
proc ::pyossl::expect::pcapng::checksum {bytes} {
    if {[string length $bytes] % 2} {
	append bytes \0
    }
    binary scan $bytes Su* words
    set sum [tcl::mathop::+ {*}$words]
    while {$sum > 0xffff} {
	set sum [expr {($sum & 0xffff) + ($sum >> 16)}]
    }
    return [expr {~$sum & 0xffff}]
}
